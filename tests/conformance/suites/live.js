/** The server under test, who asks it, and what they send. Everything comes from the environment. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export const url = process.env.COVIDXR_URL;
export const socketUrl = url.replace("http", "ws");
export const member = process.env.MEMBER_TOKEN;
export const admin = process.env.ADMIN_TOKEN;

export const NEWS = `subscription News($after: Cursor) {
  newsPublished(after: $after) { cursor post { title } }
}`;

export const bearer = (token) => ({ authorization: `Bearer ${token}` });

/** The data of an answer without errors. */
export async function ask(query, variables, token) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...(token && bearer(token)) },
    body: JSON.stringify({ query, variables }),
  });
  const answer = await response.json();
  assert.ifError(answer.errors);
  return answer.data;
}

/** Where a subscription has to begin to hear of all that happens from now on, however long it takes to stand. */
export async function lastCursor() {
  return (await ask("query LastCursor { lastCursor }")).lastCursor;
}

export async function publish(...titles) {
  for (const title of titles) {
    const query = `mutation Publish($input: PublishNewsInput!) { publishNews(input: $input) { errors { code } } }`;
    const { publishNews } = await ask(query, { input: { title, body: "b" } }, admin);
    assert.deepEqual(publishNews.errors, []);
  }
}

/** A picture that nobody else sends; whoever sends it twice has it repeated. */
export async function picture(number) {
  const bytes = await readFile(join(process.env.PICTURES, `${number}.png`));
  return new File([bytes], `${number}.png`, { type: "image/png" });
}

/** What `look` returns once it is true. */
export async function eventually(look, milliseconds = 20_000) {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    const found = await look();
    if (found) return found;
    assert.ok(Date.now() < deadline, `not within ${milliseconds} ms: ${look}`);
    await sleep(20);
  }
}

/** All that an iterable brings to its end. */
export async function all(iterable) {
  const found = [];
  for await (const one of iterable) found.push(one);
  return found;
}

/** Their data alone, without what an answer cost. */
export async function dataOf(iterable) {
  return (await all(iterable)).map(({ data }) => data);
}
