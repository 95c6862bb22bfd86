import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { graphql } from "./graphql";
import { createLink, sourceOf } from "./link";

const NEWS = graphql(`subscription News($after: Cursor) { newsPublished(after: $after) { cursor } }`);

const MODEL = graphql(`query Model { model { number } }`);

beforeEach(() => {
  vi.stubGlobal("window", { location: { href: "http://here/" } });
  vi.stubGlobal("WebSocket", class {});
});

afterEach(() => void vi.unstubAllGlobals());

const always = () => true;
const answer = (body: object) =>
  new Response(JSON.stringify(body), { headers: { "content-type": "application/json" } });

describe("a link", () => {
  it("says nothing of who asks: the browser does, by the cookie", async () => {
    const fetched = vi.fn(async (_address: string, _init: RequestInit) => answer({ data: { model: null } }));
    vi.stubGlobal("fetch", fetched);
    await createLink(always, () => {}).client.query(MODEL, {});
    const [address, init] = fetched.mock.calls[0] ?? [];
    expect(address).toBe("/graphql");
    expect(new Headers(init?.headers).get("authorization")).toBeNull();
    expect(init?.credentials).toBeUndefined();
  });

  it("sends nothing once the session is another: the cookie may be somebody else's", async () => {
    const fetched = vi.fn();
    vi.stubGlobal("fetch", fetched);
    const { client } = createLink(
      () => false,
      () => {},
    );
    const { error } = await client.query(MODEL, {});
    expect(error?.networkError?.message).toBe("The session has ended");
    expect(fetched).not.toHaveBeenCalled();
  });

  it("tells that the server knows the session no more", async () => {
    const errors = [{ message: "who are you", extensions: { code: "UNAUTHENTICATED" } }];
    vi.stubGlobal("fetch", async () => answer({ data: null, errors }));
    const refused = vi.fn();
    await createLink(always, refused).client.query(MODEL, {});
    expect(refused).toHaveBeenCalledOnce();
  });
});

describe("the end of a subscription", () => {
  const refused = vi.fn();
  const sourceOfNews = () => sourceOf(createLink(always, refused), NEWS);

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
    expect(sourceOfNews().verdict(reason)).toBe(verdict);
    expect(refused).not.toHaveBeenCalled();
  });

  it("by a session that has ended", () => {
    const reason = [{ message: "", extensions: { code: "UNAUTHENTICATED" } }];
    expect(sourceOfNews().verdict(reason)).toBe("final");
    expect(refused).toHaveBeenCalledOnce();
  });
});
