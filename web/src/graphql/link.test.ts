import { describe, expect, it, vi } from "vitest";
import { graphql } from "./graphql";
import { createLink, sourceOf } from "./link";

const NEWS = graphql(`subscription News($after: Cursor) { newsPublished(after: $after) { cursor } }`);

describe("the end of a subscription", () => {
  vi.stubGlobal("window", { location: { href: "http://here/" } });
  vi.stubGlobal("WebSocket", class {});
  const source = sourceOf(
    createLink(null, () => {}),
    NEWS,
    () => {},
  );

  it.each([
    ["a server that restarts", { code: 1012 }, "again"],
    ["a lost connection", { code: 1006 }, "again"],
    ["a client that was too slow", { code: 4410 }, "again"],
    ["a cursor that has expired", [{ message: "", extensions: { code: "BAD_USER_INPUT" } }], "lost"],
    [
      "what wants a second factor first",
      [{ message: "", extensions: { code: "SECOND_FACTOR_REQUIRED" } }],
      "final",
    ],
    ["what is not for this user", [{ message: "", extensions: { code: "FORBIDDEN" } }], "final"],
  ])("by %s", (_, reason, verdict) => {
    expect(source.verdict(reason)).toBe(verdict);
  });
});
