/** Who is signed in in this browser, asked of the server: no script can see the cookie that says it. */

import { Observable } from "../observable";
import type { Session } from "../session/session";

export interface Viewer {
  id: string;
  email: string;
  role: string;
}

/** Null while nobody is, or while it has not been told. */
export class Who extends Observable<Viewer | null> {
  #session: Pick<Session, "get" | "isCurrent" | "told">;
  #ask: () => Promise<Viewer | null>;
  /** The session's mark when it was last looked. */
  #mark: string | null = null;

  /** `ask` rejects where the server does not tell. */
  constructor(session: Pick<Session, "get" | "isCurrent" | "told">, ask: () => Promise<Viewer | null>) {
    super(null);
    this.#session = session;
    this.#ask = ask;
  }

  /** Looks anew, since something may have changed it, and has the session follow: other tabs hear of it by that. */
  look = async (): Promise<void> => {
    const { mark } = this.#session.get();
    if (mark !== this.#mark) this.become(null);
    this.#mark = mark;
    const viewer = await this.#ask().catch(() => undefined);
    // Where the session has become another meanwhile, it is looked for that one.
    if (viewer === undefined || !this.#session.isCurrent(mark)) return;
    this.become(viewer);
    this.#session.told(mark, viewer?.id ?? null);
    this.#mark = this.#session.get().mark;
  };
}
