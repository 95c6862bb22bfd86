/** Queries, mutations and subscriptions by the client of graphql-ws, and every close code of its protocol. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { CloseCode, createClient, GRAPHQL_TRANSPORT_WS_PROTOCOL, MessageType } from "graphql-ws";
import { WebSocket } from "ws";
import { disposing, follow } from "./following.js";
import {
  all,
  ask,
  bearer,
  dataOf,
  eventually,
  lastCursor,
  member,
  NEWS,
  publish,
  socketUrl,
} from "./live.js";

const VIEWER = "query Viewer { viewer { role } }";
const clientOf = disposing((token, options = {}) => {
  const given = { url: socketUrl, webSocketImpl: WebSocket, connectionParams: token && bearer(token) };
  return createClient({ ...given, ...options });
});

/** The code with which an operation fails, in a result or by an error message. */
async function failureOf(client, query, variables) {
  const [error] = await all(client.iterate({ query, variables })).then(
    ([{ errors }]) => errors,
    (errors) => errors,
  );
  return error.extensions.code;
}

describe("operations", () => {
  test("a query, of nobody and of a member", async () => {
    const [nobody, signedIn] = [clientOf(), clientOf(member)];
    assert.deepEqual(await dataOf(nobody.iterate({ query: VIEWER })), [{ viewer: null }]);
    assert.deepEqual(await dataOf(signedIn.iterate({ query: VIEWER })), [{ viewer: { role: "MEMBER" } }]);
  });

  test("a mutation, whose errors are data", async () => {
    const query = 'mutation Delete { deleteImage(input: { id: "x" }) { deletedId errors { code } } }';
    const deleteImage = { deletedId: null, errors: [{ code: "NOT_FOUND" }] };
    assert.deepEqual(await dataOf(clientOf(member).iterate({ query })), [{ deleteImage }]);
  });

  test("a subscription, until the client completes it", async () => {
    const client = clientOf();
    const news = client.iterate({ query: NEWS, variables: { after: await lastCursor() } });
    const first = news.next();
    await publish("over a socket");
    assert.equal((await first).value.data.newsPublished.post.title, "over a socket");
    await news.return();
    assert.deepEqual(await dataOf(client.iterate({ query: VIEWER })), [{ viewer: null }]);
  });

  for (const query of ["subscription {", "{ nothing }", "query ($x: Int!) { __typename }", "{"]) {
    test(`an error in ${query} ends that operation alone`, async () => {
      const client = clientOf();
      const { heard, ended } = await follow(client);
      assert.equal(await failureOf(client, query), "BAD_USER_INPUT");
      await publish(`after ${query}`);
      await eventually(() => heard.includes(`after ${query}`));
      client.dispose();
      await ended;
    });
  }
});

describe("resuming", () => {
  test("a cut socket is opened again, and nothing is missed or heard twice", async () => {
    const sockets = [];
    const client = clientOf(undefined, {
      retryAttempts: 5,
      retryWait: () => sleep(200),
      on: { opened: (socket) => sockets.push(socket) },
    });
    const { heard, ended } = await follow(client);
    await publish("before");
    await eventually(() => heard.includes("before"));
    sockets[0].terminate();
    await publish("while away 1", "while away 2");
    await eventually(() => heard.includes("while away 2"));
    await publish("behind");
    await eventually(() => heard.includes("behind"));
    assert.deepEqual(heard, ["before", "while away 1", "while away 2", "behind"]);
    assert.equal(sockets.length, 2);
    client.dispose();
    await ended;
  });

  test("a cursor from another time and another client brings what came since", async () => {
    const first = clientOf();
    const begun = await follow(first);
    await publish("seen");
    await eventually(() => begun.heard.length === 1);
    first.dispose();
    await publish("missed");
    const second = clientOf(member);
    const resumed = await follow(second, begun.variables.after);
    await eventually(() => resumed.heard.length === 1);
    assert.deepEqual(resumed.heard, ["missed"]);
    second.dispose();
  });

  test("a cursor that is none ends the subscription with an error", async () => {
    assert.equal(await failureOf(clientOf(), NEWS, { after: "made up" }), "BAD_USER_INPUT");
  });
});

test("the connection lives while the client keeps it alive", async () => {
  const pongs = [];
  const client = clientOf(undefined, { lazy: false, keepAlive: 50, on: { pong: () => pongs.push(1) } });
  await eventually(() => pongs.length >= 3);
  client.dispose();
});

// ------------------------------------------------------------------ the close codes

/** Opens a socket, sends these, and waits for its end. */
async function closeOf(messages, protocol = GRAPHQL_TRANSPORT_WS_PROTOCOL) {
  const socket = new WebSocket(socketUrl, protocol);
  await once(socket, "open");
  for (const message of messages) {
    socket.send(typeof message === "string" || Buffer.isBuffer(message) ? message : JSON.stringify(message));
  }
  const [code, reason] = await once(socket, "close");
  assert.ok(reason.length > 0, `${code} without a reason`);
  return code;
}

const INIT = { type: MessageType.ConnectionInit };
const subscribe = (id, query = NEWS) => ({ id, type: MessageType.Subscribe, payload: { query } });

describe("close codes", { concurrency: true }, () => {
  const cases = [
    ["subscribing before the acknowledgement", CloseCode.Unauthorized, [subscribe("1")]],
    ["a token that is none", CloseCode.Forbidden, [{ ...INIT, payload: bearer("made up") }]],
    ["initialising twice", CloseCode.TooManyInitialisationRequests, [INIT, INIT]],
    ["an id that is in use", CloseCode.SubscriberAlreadyExists, [INIT, subscribe("1"), subscribe("1")]],
    ["saying nothing", CloseCode.ConnectionInitialisationTimeout, []],
  ];
  for (const odd of [
    "[1]",
    '"x"',
    "5",
    "null",
    "",
    "{",
    "{}",
    Buffer.from([0, 1]),
    { type: "start", id: "1" },
  ]) {
    const text = Buffer.isBuffer(odd) ? "a binary frame" : JSON.stringify(odd);
    cases.push([`${text} as the first message`, CloseCode.BadRequest, [odd]]);
    cases.push([`${text} behind the acknowledgement`, CloseCode.BadRequest, [INIT, odd]]);
  }
  for (const [name, code, messages] of cases) {
    test(`${code}: ${name}`, async () => assert.equal(await closeOf(messages), code));
  }

  test(`${CloseCode.SubprotocolNotAcceptable}: no protocol that is spoken here`, async () =>
    assert.equal(await closeOf([], []), CloseCode.SubprotocolNotAcceptable));

  test("the client learns the code", async () => {
    const client = clientOf("made up", { retryAttempts: 0 });
    await assert.rejects(
      client.iterate({ query: VIEWER }).next(),
      (event) => event.code === CloseCode.Forbidden,
    );
  });
});

test("the server is well after all that", async () => assert.deepEqual(await ask(VIEWER), { viewer: null }));
