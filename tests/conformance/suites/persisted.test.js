/** Operations by their hash, as Apollo Client and urql send them, the first time and from then on. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { ApolloClient, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { Client, fetchExchange } from "@urql/core";
import { persistedExchange } from "@urql/exchange-persisted";
import { url } from "./live.js";

const sha256 = (text) => createHash("sha256").update(text).digest("hex");

/** What was sent, in the order of sending: the method, and whether the text was among it. */
function listening() {
  const sent = [];
  const fetching = async (address, options) => {
    const given = options.body
      ? JSON.parse(options.body)
      : Object.fromEntries(new URL(address).searchParams.entries());
    const response = await fetch(address, options);
    sent.push({ method: options.method, isText: Boolean(given.query), status: response.status });
    return response;
  };
  return { sent, fetching };
}

const MISS_AND_HIT = [
  { method: "GET", isText: false, status: 400 },
  { method: "POST", isText: true, status: 200 },
  { method: "GET", isText: false, status: 200 },
];

test("Apollo Client sends a text once, and its hash by GET from then on", async () => {
  const { sent, fetching } = listening();
  const persisted = new PersistedQueryLink({ sha256, useGETForHashedQueries: true });
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: persisted.concat(new HttpLink({ uri: url, fetch: fetching })),
  });
  const query = gql`query ByApollo${process.pid} { model { number head } }`;
  for (const _ of [1, 2]) {
    const { data } = await client.query({ query, fetchPolicy: "network-only" });
    assert.equal(data.model.head, "D");
  }
  assert.deepEqual(sent, MISS_AND_HIT);
});

test("urql sends a text once, and its hash by GET from then on", async () => {
  const { sent, fetching } = listening();
  const client = new Client({
    url,
    fetch: fetching,
    exchanges: [persistedExchange({ preferGetForPersistedQueries: "force" }), fetchExchange],
  });
  for (const _ of [1, 2]) {
    const { data, error } = await client.query(`query ByUrql${process.pid} { model { number head } }`, {});
    assert.ifError(error);
    assert.equal(data.model.head, "D");
  }
  assert.deepEqual(sent.at(-1), MISS_AND_HIT.at(-1));
  assert.deepEqual(
    sent.map(({ isText }) => isText),
    [false, true, false],
  );
});
