/** Follows a subscription through every loss of the connection, from cursor to cursor, so that nothing is missed. */

export interface Sink<Data> {
  next(data: Data): void;
  /** The subscription is over: the connection was lost, or the server ended it for this reason. */
  over(reason: unknown): void;
}

/** Where events come from. */
export interface Source<Data> {
  /** The place of the newest event: behind it nothing is missed. */
  here(): Promise<string>;
  /** Opens the subscription behind a place; the answer closes it. */
  open(after: string, sink: Sink<Data>): () => void;
  cursorOf(data: Data): string;
  /** What an end means: try again, ask where we are first since the place is known no more, or leave it. */
  verdict(reason: unknown): "again" | "lost" | "final";
}

/** Who hears of them. */
export interface Hearer<Data> {
  /** Whatever happens from now on is heard. What is there already has to be asked for now. */
  begun(): void;
  heard(data: Data): void;
}

/** Resolves when it is time for another attempt; `failures` in a row went before it. */
export type Pause = (failures: number) => Promise<void>;

/** Follows until the answer is called, or until the source says that it is final. */
export function follow<Data>(source: Source<Data>, hearer: Hearer<Data>, pause: Pause): () => void {
  let stopped = false;
  let close = () => {};
  let cursor: string | null = null;
  let failures = 0;

  const listen = (after: string) =>
    new Promise<unknown>((over) => {
      close = source.open(after, {
        next(data) {
          if (stopped) return;
          cursor = source.cursorOf(data);
          failures = 0;
          hearer.heard(data);
        },
        over,
      });
    });

  const attempt = async (): Promise<unknown> => {
    if (cursor === null) {
      const here = await source.here();
      if (stopped) return null;
      cursor = here;
      hearer.begun();
    }
    return listen(cursor);
  };

  const run = async () => {
    while (!stopped) {
      const reason = await attempt().catch((error: unknown) => error);
      if (stopped) return;
      const verdict = source.verdict(reason);
      if (verdict === "final") return;
      if (verdict === "lost") cursor = null;
      await pause(failures++);
    }
  };

  void run();
  return () => {
    stopped = true;
    close();
  };
}

const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/** Waits longer after each failure, with some chance in it so that many clients do not come at once. */
export function waitingTime(failures: number, chance = Math.random()): number {
  return Math.min(FIRST_MS * 2 ** failures, LONGEST_MS) * (0.75 + 0.5 * chance);
}

/** A pause that ends early when the browser is online again. */
export const untilNextAttempt: Pause = (failures) =>
  new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      window.removeEventListener("online", done);
      resolve();
    };
    const timer = setTimeout(done, waitingTime(failures));
    window.addEventListener("online", done);
  });
