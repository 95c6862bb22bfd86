/** Queries, mutations and subscriptions by the client of graphql-sse, each over a connection of its own. */

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { createClient } from "graphql-sse";
import { admin, all, bearer, dataOf, eventually, lastCursor, member, NEWS, publish, url } from "./live.js";

const clients = [];
after(() => {
  for (const client of clients) client.dispose();
});

function clientOf(token, options = {}) {
  const client = createClient({ url, headers: token && bearer(token), retryAttempts: 0, ...options });
  clients.push(client);
  return client;
}

/** What a client hears of the news until it is disposed of. */
async function follow(client, cursor) {
  const variables = { after: cursor ?? (await lastCursor()) };
  const heard = [];
  const ended = (async () => {
    for await (const { data, errors } of client.iterate({ query: NEWS, variables })) {
      assert.ifError(errors);
      heard.push({ title: data.newsPublished.post.title, cursor: data.newsPublished.cursor });
    }
  })().catch(() => {});
  return { heard, ended };
}

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
      assert.equal(heard[0].title, "as a stream");
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
  const resumed = await follow(clientOf(), begun.heard[0].cursor);
  await eventually(() => resumed.heard.length === 2);
  await publish("live again");
  await eventually(() => resumed.heard.length === 3);
  assert.deepEqual(
    resumed.heard.map(({ title }) => title),
    ["missed 1", "missed 2", "live again"],
  );
});

test("the mode of a single connection is refused, as it is not offered", async () => {
  const client = clientOf(undefined, { singleConnection: true });
  await assert.rejects(all(client.iterate({ query: NEWS })), (error) => error.response.status === 405);
});
