/** Operations by their hash, as Apollo's link of persisted queries sends them. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { ApolloClient, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { url } from "./live.js";

const QUERY = gql(`query Persisted${process.pid} { model { id number } }`); // which nobody has sent before
const TEXT = /query(=|":")query/; // the parameter, in an address or in a body

/** A client that has asked nothing yet, and what it sends: by which method, and whether with the text. */
function newClient() {
  const sent = [];
  const watched = (uri, options) => {
    sent.push([options.method, TEXT.test(uri + (options.body ?? ""))]);
    return fetch(uri, options);
  };
  const sha256 = (text) => createHash("sha256").update(text).digest("hex");
  const hashing = new PersistedQueryLink({ sha256, useGETForHashedQueries: true });
  const link = hashing.concat(new HttpLink({ uri: url, fetch: watched }));
  return { sent, client: new ApolloClient({ cache: new InMemoryCache(), link }) };
}

test("the first client brings the text, and the next one needs none", async () => {
  const [first, second] = [newClient(), newClient()];
  const { data } = await first.client.query({ query: QUERY });
  assert.ok(data.model.number >= 1);
  assert.deepEqual(first.sent, [
    ["GET", false],
    ["POST", true],
  ]);
  assert.deepEqual((await second.client.query({ query: QUERY })).data, data);
  assert.deepEqual(second.sent, [["GET", false]]);
});
