/**
 * Whether somebody is signed in in this browser, as far as the pages know.
 *
 * The session itself is a cookie that no script can read, these pages' neither. In localStorage lies a mark alone: that
 * somebody has signed in, and which time it was, so that all tabs hear of it. Where the browser has dropped the cookie, the
 * server knows nobody, and the mark goes too (`Viewed`). Where the mark was cleared and the cookie was not, the
 * pages show nobody signed in until somebody signs in again, or opens GraphiQL, which asks the server.
 */

import { Observable } from "../observable";

const MARK_KEY = "covidxr-signed-in";

/** Where the mark is kept: localStorage, or a stand-in with these three. */
export type Store = Pick<Storage, "getItem" | "setItem" | "removeItem">;

export interface SessionState {
  /** Tells this sign-in from the next; null while nobody is signed in. */
  mark: string | null;
  /** Whether there was a session, and it has ended otherwise than by signing out here. */
  hasEnded: boolean;
}

export class Session extends Observable<SessionState> {
  #store: Store;

  /** `tab` hears `storage` when another tab has changed the store, and `pageshow` when this one comes back to the page. */
  constructor(store: Store, tab: Pick<EventTarget, "addEventListener">) {
    super({ mark: store.getItem(MARK_KEY), hasEnded: false });
    this.#store = store;
    for (const name of ["storage", "pageshow"]) tab.addEventListener(name, () => this.#look());
  }

  /** Somebody has signed in, and the browser has the cookie. */
  begin(): void {
    const mark = `${Date.now()}-${crypto.getRandomValues(new Uint16Array(1))}`;
    this.#store.setItem(MARK_KEY, mark);
    this.become({ mark, hasEnded: false });
  }

  /** The person has signed out, and the cookie is gone. */
  leave(): void {
    this.#store.removeItem(MARK_KEY);
    this.become({ mark: null, hasEnded: false });
  }

  /** The server knows the session of this mark no more; one that another has replaced meanwhile is not the session's. */
  end(mark: string): void {
    this.#look();
    if (mark !== this.get().mark) return;
    this.#store.removeItem(MARK_KEY);
    this.become({ mark: null, hasEnded: true });
  }

  /** Another tab may have signed out, or somebody else in. */
  #look(): void {
    const mark = this.#store.getItem(MARK_KEY);
    if (mark !== this.get().mark) this.become({ mark, hasEnded: mark === null });
  }
}
