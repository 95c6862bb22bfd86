import { beforeEach, describe, expect, it } from "vitest";
import type { Store } from "../session/session";
import { authorised, remember } from "./session";

let store: Store;

beforeEach(() => {
  const items = new Map<string, string>();
  store = {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  };
});

describe("the session", () => {
  it("sends the token that signIn brought", () => {
    remember({ data: { signIn: { token: "t1", errors: [] } } }, store);
    expect(authorised({ "X-Other": "1" }, store)).toEqual({ "X-Other": "1", Authorization: "Bearer t1" });
  });

  it("lets the headers tab go first, in whatever case", () => {
    remember({ data: { signIn: { token: "t1" } } }, store);
    expect(authorised({ authorization: "Bearer own" }, store)).toEqual({ authorization: "Bearer own" });
  });

  it("keeps the token when another sign-in fails", () => {
    remember({ data: { signIn: { token: "t1" } } }, store);
    remember({ data: { signIn: { token: null, errors: [{ message: "no" }] } } }, store);
    expect(authorised({}, store)).toEqual({ Authorization: "Bearer t1" });
  });

  it("forgets it after signOut", () => {
    remember({ data: { signIn: { token: "t1" } } }, store);
    remember({ data: { signOut: { signedOut: true } } }, store);
    expect(authorised({}, store)).toEqual({});
  });

  it("takes any answer", () => {
    for (const answer of [{}, { data: null }, { errors: [] }, { data: { signIn: null } }])
      remember(answer, store);
    expect(authorised({}, store)).toEqual({});
  });
});
