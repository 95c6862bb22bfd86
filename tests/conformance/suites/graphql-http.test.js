/** GraphQL over HTTP, by the audits of graphql-http. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { serverAudits } from "graphql-http";
import { url } from "./live.js";

const audits = serverAudits({ url });

test("there are as many audits as there were", () => assert.equal(audits.length, 61));

for (const audit of audits) {
  test(`${audit.id} ${audit.name}`, async () => {
    const { status, reason } = await audit.fn();
    assert.equal(status, "ok", reason); // a warning, of a SHOULD, is no pass
  });
}
