import { beforeEach, describe, expect, it } from "vitest";
import { Session } from "../session/session";
import { type Viewer, Who } from "./who";

const ANA = { id: "1", email: "ana@example.org", role: "MEMBER" };
const BOB = { id: "2", email: "bob@example.org", role: "ADMIN" };

/** Whom the browser's cookie signs in. */
let signedIn: Viewer | null;
let session: Session;
let who: Who;

beforeEach(() => {
  signedIn = null;
  const items = new Map<string, string>();
  const store = {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  };
  session = new Session(store, new EventTarget());
  who = new Who(session, async () => signedIn && { ...signedIn });
});

const mark = () => session.get().mark;

describe("who is signed in", () => {
  it("is nobody at first", async () => {
    await who.look();
    expect(who.get()).toBeNull();
    expect(mark()).toBeNull();
  });

  it("begins the session where a tab has signed in, and where the mark was lost", async () => {
    signedIn = ANA;
    await who.look();
    expect(who.get()).toEqual(ANA);
    expect(mark()).not.toBeNull();
  });

  it("keeps the session of the pages while it is the same person's", async () => {
    signedIn = ANA;
    session.begin(ANA.id);
    const before = mark();
    await who.look();
    await who.look();
    expect(who.get()).toEqual(ANA);
    expect(mark()).toBe(before);
  });

  it("begins another session where the mark is of somebody else, at the first look too", async () => {
    session.begin(BOB.id);
    signedIn = ANA;
    await who.look();
    expect(mark()).toMatch(new RegExp(`^${ANA.id}:`));
  });

  it("begins another session where a tab has signed somebody else in", async () => {
    signedIn = ANA;
    await who.look();
    const before = mark();
    signedIn = BOB;
    await who.look();
    expect(who.get()).toEqual(BOB);
    expect(mark()).not.toBe(before);
  });

  it("keeps the session that a page has begun for somebody else", async () => {
    signedIn = ANA;
    await who.look();
    signedIn = BOB;
    session.begin(BOB.id);
    const after = mark();
    const looking = who.look();
    expect(who.get()).toBeNull();
    await looking;
    expect(who.get()).toEqual(BOB);
    expect(mark()).toBe(after);
  });

  it("ends the session where the server knows nobody", async () => {
    session.begin(ANA.id);
    await who.look();
    expect(session.get()).toEqual({ mark: null, hasEnded: true });
  });

  it("stays as it is known while the server does not tell", async () => {
    let isDown = false;
    who = new Who(session, async () => {
      if (isDown) throw new Error("The server cannot be reached");
      return ANA;
    });
    await who.look();
    const before = mark();
    isDown = true;
    await who.look();
    expect(who.get()).toEqual(ANA);
    expect(mark()).toBe(before);
  });

  it("does not follow an answer that is older than the session", async () => {
    let answer = (_: Viewer | null) => {};
    who = new Who(session, () => new Promise((resolve) => (answer = resolve)));
    const looking = who.look();
    session.begin(BOB.id);
    const after = mark();
    answer(ANA);
    await looking;
    expect(who.get()).toBeNull();
    expect(mark()).toBe(after);
  });
});
