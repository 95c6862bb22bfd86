import { beforeEach, describe, expect, it, vi } from "vitest";
import { Session, type Store } from "./session";

/** What the tabs of one browser share. */
let items: Map<string, string>;
let store: Store;

beforeEach(() => {
  items = new Map<string, string>();
  store = {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  };
});

/** A session that has begun, in a tab of its own. */
function begun(tab = new EventTarget()): { session: Session; mark: string } {
  const session = new Session(store, tab);
  session.begin("ana");
  return { session, mark: session.get().mark ?? "" };
}

describe("the session", () => {
  it("is the one that a tab before has begun", () => {
    const { mark } = begun();
    expect(mark).not.toBe("");
    expect(new Session(store, new EventTarget()).get()).toEqual({ mark, hasEnded: false });
  });

  it("is forgotten when the person leaves", () => {
    const { session } = begun();
    session.leave();
    expect(session.get()).toEqual({ mark: null, hasEnded: false });
    expect(items.size).toBe(0);
  });

  it("says that it has ended, and tells whoever listens", () => {
    const { session, mark } = begun();
    const listener = vi.fn();
    session.subscribe(listener);
    session.end(mark);
    expect(session.get()).toEqual({ mark: null, hasEnded: true });
    expect(listener).toHaveBeenCalledOnce();
    expect(items.size).toBe(0);
  });

  it("does not end by the late answer to an earlier one", () => {
    const { session, mark } = begun();
    session.begin("ana");
    session.end(mark);
    expect(session.get().mark).not.toBeNull();
  });

  it("tells each sign-in from the next, in the same moment too", () => {
    vi.spyOn(Date, "now").mockReturnValue(1);
    const marks = Array.from({ length: 5 }, () => begun().mark);
    vi.restoreAllMocks();
    expect(new Set(marks).size).toBeGreaterThan(1);
  });
});

describe("another tab of the browser", () => {
  it.each(["storage", "pageshow"])("learns by %s that the person has signed out", (event) => {
    const tab = new EventTarget();
    const { session: other } = begun(tab);
    new Session(store, new EventTarget()).leave();
    tab.dispatchEvent(new Event(event));
    expect(other.get()).toEqual({ mark: null, hasEnded: true });
  });

  it("follows whoever signs in", () => {
    const tab = new EventTarget();
    const other = new Session(store, tab);
    const { mark } = begun();
    tab.dispatchEvent(new Event("storage"));
    expect(other.get()).toEqual({ mark, hasEnded: false });
  });

  it("leaves whoever has signed in there, though its own session has ended", () => {
    const { session: other, mark: before } = begun();
    const { mark } = begun();
    other.end(before);
    expect(other.get()).toEqual({ mark, hasEnded: false });
    expect([...items.values()]).toEqual([mark]);
  });

  it("tells nobody of what changes nothing for it", () => {
    const tab = new EventTarget();
    const { session } = begun(tab);
    const listener = vi.fn();
    session.subscribe(listener);
    items.set("covidxr-language", "es");
    tab.dispatchEvent(new Event("storage"));
    expect(listener).not.toHaveBeenCalled();
  });
});

describe("what the server says of who asks", () => {
  const others = () => new Session(store, new EventTarget());

  it("begins the session where the mark was lost", () => {
    const session = others();
    session.told(null, "ana");
    expect(session.get().mark).toMatch(/^ana:/);
  });

  it("changes nothing while it is the same person", () => {
    const { session, mark } = begun();
    session.told(mark, "ana");
    expect(session.get()).toEqual({ mark, hasEnded: false });
  });

  it("begins another where the cookie is somebody else's by now", () => {
    const { session, mark } = begun();
    session.told(mark, "an");
    expect(session.get().mark).toMatch(/^an:/);
  });

  it("ends the session where it is nobody", () => {
    const { session, mark } = begun();
    session.told(mark, null);
    expect(session.get()).toEqual({ mark: null, hasEnded: true });
  });

  it("is nothing new to whoever has not signed in", () => {
    const session = others();
    session.told(null, null);
    expect(session.get()).toEqual({ mark: null, hasEnded: false });
  });

  it("is of no account where another tab has signed in meanwhile, and had no time to say so", () => {
    const { session, mark } = begun();
    const { mark: after } = begun();
    expect(session.isCurrent(mark)).toBe(false);
    session.told(mark, null);
    expect(session.get()).toEqual({ mark: after, hasEnded: false });
  });
});
