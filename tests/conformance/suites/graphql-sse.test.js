/** Queries, mutations and subscriptions by the client of graphql-sse, each over a connection of its own. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createClient } from "graphql-sse";
import { disposing, follow } from "./following.js";
import { admin, all, bearer, dataOf, eventually, member, NEWS, publish, url } from "./live.js";

const clientOf = disposing((token, options = {}) =>
  createClient({ url, headers: token && bearer(token), retryAttempts: 0, ...options }),
);

describe("operations", () => {
  test("a query, of nobody and of a member", async () => {
    const query = "query Viewer { viewer { role } }";
    assert.deepEqual(await dataOf(clientOf().iterate({ query })), [{ viewer: null }]);
    assert.deepEqual(await dataOf(clientOf(member).iterate({ query })), [{ viewer: { role: "MEMBER" } }]);
  });

  test("a mutation, whose errors are data", async () => {
    const query = 'mutation Delete { deleteNews(input: { id: "x" }) { deletedId errors { code } } }';
    const deleteNews = { deletedId: null, errors: [{ code: "NOT_FOUND" }] };
    assert.deepEqual(await dataOf(clientOf(admin).iterate({ query })), [{ deleteNews }]);
  });

  test("subscriptions, side by side", async () => {
    const client = clientOf();
    const listeners = [await follow(client), await follow(client), await follow(clientOf(member))];
    await publish("as a stream");
    for (const { heard } of listeners) {
      await eventually(() => heard.length === 1);
      assert.deepEqual(heard, ["as a stream"]);
    }
  });

  for (const [query, code] of [
    ["subscription {", "BAD_USER_INPUT"],
    ["{ nothing }", "BAD_USER_INPUT"],
    ['subscription { newsPublished(after: "made up") { cursor } }', "BAD_USER_INPUT"],
    ["subscription { predictionMade { cursor } }", "UNAUTHENTICATED"],
  ]) {
    test(`${query} ends with ${code}`, async () => {
      const [{ errors }] = await all(clientOf().iterate({ query }));
      assert.equal(errors[0].extensions.code, code);
    });
  }
});

test("a subscription is resumed by its last cursor", async () => {
  const first = clientOf();
  const begun = await follow(first);
  await publish("seen");
  await eventually(() => begun.heard.length === 1);
  first.dispose();
  await publish("missed 1", "missed 2");
  const resumed = await follow(clientOf(), begun.variables.after);
  await eventually(() => resumed.heard.length === 2);
  await publish("live again");
  await eventually(() => resumed.heard.length === 3);
  assert.deepEqual(resumed.heard, ["missed 1", "missed 2", "live again"]);
});

test("the mode of a single connection is refused, as it is not offered", async () => {
  const client = clientOf(undefined, { singleConnection: true });
  await assert.rejects(all(client.iterate({ query: NEWS })), (error) => error.response.status === 405);
});
