/** urql with its normalised cache as a front end uses it: from the sign-up to a subscription whose socket is cut. */

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createClient, fetchExchange, subscriptionExchange } from "@urql/core";
import { cacheExchange } from "@urql/exchange-graphcache";
import { relayPagination } from "@urql/exchange-graphcache/extras";
import { IMAGES, PREDICTIONS, SIGN_IN, SIGN_UP, UPLOAD, VERIFY } from "./documents.js";
import { bearer, eventually, lastCursor, picture, url } from "./live.js";
import { mailedToken } from "./mails.js";
import { resumingClient } from "./resuming.js";

const account = { email: "urql@hospital.example", password: "correct horse battery", name: "Urql" };
const complaints = [];
const sockets = [];
let token;

const socket = resumingClient(
  () => token,
  (opened) => sockets.push(opened),
);
const client = createClient({
  url,
  preferGetMethod: false,
  fetchOptions: () => ({ headers: token ? bearer(token) : {} }),
  exchanges: [
    cacheExchange({
      resolvers: { Query: { images: relayPagination() } },
      keys: { PredictionMade: () => null, UploadResult: () => null }, // without an id: parts of what asked for them
      logger: (severity, message) => severity !== "debug" && complaints.push(message),
    }),
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: (request) => ({
        subscribe: (sink) => ({ unsubscribe: socket.subscribe(request, sink) }),
      }),
    }),
  ],
});
after(() => socket.dispose());

async function mutate(document, input) {
  const { data, error } = await client.mutation(document, { input });
  assert.ifError(error);
  return Object.values(data)[0];
}

const upload = async (...numbers) =>
  mutate(UPLOAD, { files: await Promise.all(numbers.map(picture)), waitSeconds: 30 });

test("signing up and in, by the link in the mail", async () => {
  assert.deepEqual((await mutate(SIGN_UP, account)).errors, []);
  const { user } = await mutate(VERIFY, { token: await mailedToken(account.email) });
  assert.equal(user.emailVerified, true);
  ({ token } = await mutate(SIGN_IN, { email: account.email, password: account.password }));
  assert.ok(token);
});

test("errors of a form come as data, faults of access as errors", async () => {
  const { errors } = await mutate(SIGN_UP, account);
  assert.deepEqual(
    errors.map(({ code, path }) => [code, path]),
    [["EMAIL_TAKEN", ["input", "email"]]],
  );
  const { error } = await client.query("query Users { users { totalCount } }", {});
  assert.equal(error.graphQLErrors[0].extensions.code, "FORBIDDEN");
});

test("uploading", async () => {
  const { results, errors } = await upload(20, 21, 22, 23, 24);
  assert.deepEqual(errors, []);
  assert.equal(results.filter(({ image }) => image).length, 5);
});

test("pages are put together by relayPagination", async () => {
  let page = await client.query(IMAGES, { first: 2 });
  for (const length of [4, 5]) {
    page = await client.query(IMAGES, { first: 2, after: page.data.images.pageInfo.endCursor });
    assert.ifError(page.error);
    assert.equal(page.data.images.edges.length, length);
  }
  const names = page.data.images.edges.map(({ node }) => node.filename);
  assert.deepEqual(names.sort(), ["20.png", "21.png", "22.png", "23.png", "24.png"]);
});

test("a subscription whose socket is cut misses nothing and hears nothing twice", async () => {
  const heard = [];
  const { unsubscribe } = client
    .subscription(PREDICTIONS, { after: await lastCursor() })
    .subscribe(({ data, error }) => {
      assert.ifError(error);
      heard.push(data.predictionMade.prediction.image.filename);
    });
  await eventually(() => sockets.length === 1);
  await upload(25);
  await eventually(() => heard.length === 1);
  sockets[0].terminate();
  await upload(26, 27);
  await eventually(() => heard.length === 3);
  await upload(28);
  await eventually(() => heard.length === 4);
  unsubscribe();
  assert.equal(sockets.length, 2);
  assert.deepEqual(heard.sort(), ["25.png", "26.png", "27.png", "28.png"]);
});

test("the cache has nothing to complain of", () => assert.deepEqual(complaints, []));
