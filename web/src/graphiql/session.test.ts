import { beforeEach, describe, expect, it } from "vitest";
import { Session } from "../session/session";
import { authorised, remember } from "./session";

let session: Session;

beforeEach(() => {
  const items = new Map<string, string>();
  session = new Session({
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  });
});

const token = () => session.get().token;

describe("the session", () => {
  it("sends the token that signIn brought", () => {
    remember({ data: { signIn: { token: "t1", errors: [] } } }, session);
    expect(authorised({ "X-Other": "1" }, token())).toEqual({ "X-Other": "1", Authorization: "Bearer t1" });
  });

  it("lets the headers tab go first, in whatever case", () => {
    expect(authorised({ authorization: "Bearer own" }, "t1")).toEqual({ authorization: "Bearer own" });
  });

  it("keeps the token when another sign-in fails", () => {
    remember({ data: { signIn: { token: "t1" } } }, session);
    remember({ data: { signIn: { token: null, errors: [{ message: "no" }] } } }, session);
    expect(token()).toBe("t1");
  });

  it("forgets it after signOut", () => {
    remember({ data: { signIn: { token: "t1" } } }, session);
    remember({ data: { signOut: { signedOut: true } } }, session);
    expect(authorised({}, token())).toEqual({});
  });

  it("takes any answer", () => {
    for (const answer of [{}, { data: null }, { errors: [] }, { data: { signIn: null } }])
      remember(answer, session);
    expect(token()).toBeNull();
  });
});
