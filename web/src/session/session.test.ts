import { beforeEach, describe, expect, it, vi } from "vitest";
import { Session, type Store } from "./session";

let store: Store;
let items: Map<string, string>;

beforeEach(() => {
  items = new Map<string, string>();
  store = {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  };
});

describe("the session", () => {
  it("is the one that GraphiQL left in this tab", () => {
    items.set("covidxr-token", "t1");
    expect(new Session(store).get()).toEqual({ token: "t1", hasEnded: false });
  });

  it("is kept when it begins and forgotten when the person leaves", () => {
    const session = new Session(store);
    session.begin("t1");
    expect(items.get("covidxr-token")).toBe("t1");
    session.leave();
    expect(session.get()).toEqual({ token: null, hasEnded: false });
    expect(items.size).toBe(0);
  });

  it("says that it has ended, and tells whoever listens", () => {
    const session = new Session(store);
    session.begin("t1");
    const listener = vi.fn();
    session.subscribe(listener);
    session.end("t1");
    expect(session.get()).toEqual({ token: null, hasEnded: true });
    expect(listener).toHaveBeenCalledOnce();
  });

  it("does not end by the late answer to an earlier token", () => {
    const session = new Session(store);
    session.begin("t1");
    session.begin("t2");
    session.end("t1");
    expect(session.get().token).toBe("t2");
  });
});
