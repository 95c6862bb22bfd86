/** Clients of the news, whatever they speak: each is disposed of at the end, if not before. */

import assert from "node:assert/strict";
import { after } from "node:test";
import { lastCursor, NEWS } from "./live.js";

/** The same function, with an end for all that it makes once the file's tests have run. */
export function disposing(create) {
  const clients = [];
  after(() => {
    for (const client of clients) client.dispose();
  });
  return (...given) => {
    const client = create(...given);
    clients.push(client);
    return client;
  };
}

/** Follows the news in a client: `heard` grows with the titles, and `variables` has the last cursor. */
export async function follow(client, cursor) {
  const variables = { after: cursor ?? (await lastCursor()) };
  const heard = [];
  const ended = (async () => {
    for await (const { data, errors } of client.iterate({ query: NEWS, variables })) {
      assert.ifError(errors);
      heard.push(data.newsPublished.post.title);
      variables.after = data.newsPublished.cursor; // a client that reconnects sends these again
    }
  })();
  ended.catch(() => {}); // a stream that is disposed of ends so; whoever waits for the end hears of it
  return { heard, ended, variables };
}
