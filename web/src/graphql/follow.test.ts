import { describe, expect, it, vi } from "vitest";
import { follow, type Sink, type Source, waitingTime } from "./follow";

interface Event {
  cursor: string;
}

/** A server that numbers its events and sends what lies behind a cursor. */
class Server implements Source<Event> {
  events: string[] = [];
  sinks = new Set<Sink<Event>>();
  asked: string[] = [];
  unreachable = false;

  async here() {
    if (this.unreachable) throw new Error("unreachable");
    return String(this.events.length);
  }

  open(after: string, sink: Sink<Event>) {
    this.asked.push(after);
    if (this.unreachable) {
      sink.over("gone");
      return () => {};
    }
    this.sinks.add(sink);
    for (const cursor of this.events.slice(Number(after))) sink.next({ cursor });
    return () => this.sinks.delete(sink);
  }

  cursorOf = (event: Event) => event.cursor;
  verdict = (reason: unknown) =>
    reason === "expired" ? ("lost" as const) : reason === "blocked" ? ("final" as const) : ("again" as const);

  happens() {
    const cursor = String(this.events.length + 1);
    this.events.push(cursor);
    for (const sink of this.sinks) sink.next({ cursor });
  }

  ends(reason: unknown) {
    const sinks = [...this.sinks];
    this.sinks.clear();
    for (const sink of sinks) sink.over(reason);
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

async function following(server: Server) {
  const heard: string[] = [];
  const begun = vi.fn();
  const pause = vi.fn(async () => {});
  const stop = follow(server, { begun, heard: (event) => heard.push(event.cursor) }, pause);
  await settled();
  return { heard, begun, pause, stop };
}

describe("follow", () => {
  it("says when to look, and then hears all that happens", async () => {
    const server = new Server();
    server.happens();
    const { heard, begun } = await following(server);
    expect(begun).toHaveBeenCalledOnce();
    server.happens();
    expect(heard).toEqual(["2"]);
  });

  it("misses nothing and repeats nothing when the connection is lost", async () => {
    const server = new Server();
    const { heard, begun } = await following(server);
    server.happens();
    server.ends("lost");
    server.happens();
    server.happens();
    await settled();
    server.happens();
    expect(heard).toEqual(["1", "2", "3", "4"]);
    expect(server.asked).toEqual(["0", "1"]);
    expect(begun).toHaveBeenCalledOnce();
  });

  it("misses nothing even when it is lost before the first event", async () => {
    const server = new Server();
    const { heard } = await following(server);
    server.ends("lost");
    server.happens();
    await settled();
    expect(heard).toEqual(["1"]);
  });

  it("asks anew for what there is when its place is known no more", async () => {
    const server = new Server();
    const { heard, begun } = await following(server);
    server.ends("expired");
    server.happens();
    await settled();
    server.happens();
    expect(begun).toHaveBeenCalledTimes(2);
    expect(heard).toEqual(["2"]);
  });

  it("tries again while nobody answers, with longer and longer pauses", async () => {
    const server = new Server();
    server.unreachable = true;
    const heard: string[] = [];
    const failures: number[] = [];
    const pause = async (count: number) => {
      failures.push(count);
      if (count === 3) server.unreachable = false;
    };
    follow(server, { begun() {}, heard: (event) => heard.push(event.cursor) }, pause);
    await settled();
    server.happens();
    expect(failures).toEqual([0, 1, 2, 3]);
    expect(heard).toEqual(["1"]);
  });

  it("leaves it when it is final", async () => {
    const server = new Server();
    const { pause } = await following(server);
    server.ends("blocked");
    await settled();
    expect(pause).not.toHaveBeenCalled();
    expect(server.asked).toEqual(["0"]);
  });

  it("hears nothing more once it is stopped", async () => {
    const server = new Server();
    const { heard, stop } = await following(server);
    stop();
    server.happens();
    expect(heard).toEqual([]);
    expect(server.sinks.size).toBe(0);
  });
});

describe("waitingTime", () => {
  it("doubles up to half a minute", () => {
    expect([0, 1, 2, 10].map((failures) => waitingTime(failures, 0.5))).toEqual([500, 1000, 2000, 30_000]);
  });
});
