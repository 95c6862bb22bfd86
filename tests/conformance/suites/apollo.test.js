/** Apollo Client as a front end uses it: from the sign-up to a subscription whose socket is cut. */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { ApolloClient, ApolloLink, gql, InMemoryCache } from "@apollo/client";
import { SetContextLink } from "@apollo/client/link/context";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { relayStylePagination } from "@apollo/client/utilities";
import UploadHttpLink from "apollo-upload-client/UploadHttpLink.mjs";
import { OperationTypeNode } from "graphql";
import { IMAGES, PREDICTIONS, SIGN_IN, SIGN_UP, UPLOAD, VERIFY } from "./documents.js";
import { bearer, eventually, lastCursor, picture, url } from "./live.js";
import { mailedToken } from "./mails.js";
import { resumingClient } from "./resuming.js";

const account = { email: "apollo@hospital.example", password: "correct horse battery", name: "Apollo" };
const sent = [];
const sockets = [];
let token;
let id;

/** Tells how much of a body has gone out, as XMLHttpRequest's `upload.onprogress` does in a browser. */
async function fetchWithProgress(uri, options) {
  const request = new Request(uri, options);
  const counting = new TransformStream({
    transform(chunk, controller) {
      sent.push(chunk.byteLength);
      controller.enqueue(chunk);
    },
  });
  const { method, headers, body } = request;
  return fetch(uri, { method, headers, body: body.pipeThrough(counting), duplex: "half" });
}

const socket = resumingClient(
  () => token,
  (opened) => sockets.push(opened),
);
const authorization = new SetContextLink(({ headers }) => ({
  headers: { ...headers, ...(token && bearer(token)) },
}));
const client = new ApolloClient({
  cache: new InMemoryCache({ typePolicies: { Query: { fields: { images: relayStylePagination() } } } }),
  link: ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(socket),
    authorization.concat(new UploadHttpLink({ uri: url, fetch: fetchWithProgress })),
  ),
});
after(() => socket.dispose());

async function mutate(document, input) {
  const { data } = await client.mutate({ mutation: gql(document), variables: { input } });
  return Object.values(data)[0];
}

const upload = async (...numbers) =>
  mutate(UPLOAD, { files: await Promise.all(numbers.map(picture)), waitSeconds: 30 });

test("signing up tells all errors of the form at once", async () => {
  const { user, errors } = await mutate(SIGN_UP, { email: "x", password: "x", name: "" });
  assert.equal(user, null);
  assert.deepEqual(errors.map(({ path }) => path.at(-1)).sort(), ["email", "name", "password"]);
});

test("signing up, by the link in the mail", async () => {
  const { user, errors } = await mutate(SIGN_UP, account);
  assert.deepEqual(errors, []);
  id = user.id;
  const { user: verified } = await mutate(VERIFY, { token: await mailedToken(account.email) });
  assert.deepEqual([verified.id, verified.emailVerified], [id, true]);
});

test("signing in", async () => {
  const wrong = await mutate(SIGN_IN, { ...account, name: undefined, password: "another password" });
  assert.equal(wrong.errors[0].code, "BAD_CREDENTIALS");
  const { token: given, user } = await mutate(SIGN_IN, { email: account.email, password: account.password });
  assert.equal(user.id, id);
  token = given;
});

test("uploading tells how far it is", async () => {
  sent.length = 0;
  const { results, errors } = await upload(10, 11, 12, 13, 14);
  assert.deepEqual(errors, []);
  assert.deepEqual(
    results.map(({ image }) => image.filename),
    ["10.png", "11.png", "12.png", "13.png", "14.png"],
  );
  assert.ok(sent.length > 5, "more than once a file");
});

test("pages are put together by relayStylePagination", async () => {
  const query = client.watchQuery({ query: gql(IMAGES), variables: { first: 2 } });
  const shown = [];
  const following = query.subscribe(({ data }) =>
    shown.push(data?.images.edges.map(({ node }) => node.filename)),
  );
  await eventually(() => shown.at(-1)?.length === 2);
  for (const length of [4, 5]) {
    const { endCursor } = query.getCurrentResult().data.images.pageInfo;
    const { data } = await query.fetchMore({ variables: { after: endCursor } });
    assert.equal(data.images.pageInfo.hasNextPage, length < 5);
    await eventually(() => shown.at(-1).length === length);
  }
  following.unsubscribe();
  assert.deepEqual(shown.at(-1).sort(), ["10.png", "11.png", "12.png", "13.png", "14.png"]);
});

test("a subscription whose socket is cut misses nothing and hears nothing twice", async () => {
  const heard = [];
  const events = client.subscribe({ query: gql(PREDICTIONS), variables: { after: await lastCursor() } });
  const listening = events.subscribe(({ data }) => heard.push(data.predictionMade.prediction.image.filename));
  await eventually(() => sockets.length === 1);
  await upload(15);
  await eventually(() => heard.length === 1);
  sockets[0].terminate();
  await upload(16, 17);
  await eventually(() => heard.length === 3);
  await upload(18);
  await eventually(() => heard.length === 4);
  listening.unsubscribe();
  assert.equal(sockets.length, 2);
  assert.deepEqual(heard.sort(), ["15.png", "16.png", "17.png", "18.png"]);
});
