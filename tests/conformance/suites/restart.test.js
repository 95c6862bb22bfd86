/** A server that is restarted, to the client of graphql-ws: it hears 1012, comes again, and misses nothing. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "graphql-ws";
import { WebSocket } from "ws";
import { follow } from "./following.js";
import { eventually, publish, socketUrl } from "./live.js";

test("a restarted server is taken for one, and its subscribers go on", async () => {
  const codes = [];
  const client = createClient({
    url: socketUrl,
    webSocketImpl: WebSocket,
    retryAttempts: 100,
    retryWait: () => sleep(200),
    shouldRetry: () => true, // as there is no balancer, and ws tells of a refused connection by no close event
    on: { closed: ({ code }) => codes.push(code) },
  });
  const { heard, ended } = await follow(client);
  await publish("before");
  await eventually(() => heard.includes("before"));
  process.kill(Number(process.env.SERVER), "SIGTERM"); // whoever runs this starts it again
  await eventually(() => codes.length > 0);
  await eventually(
    () =>
      publish("behind").then(
        () => true,
        () => false,
      ),
    60_000,
  );
  await eventually(() => heard.includes("behind"));
  assert.deepEqual(heard, ["before", "behind"]);
  assert.equal(codes[0], 1012);
  client.dispose();
  await ended;
});
