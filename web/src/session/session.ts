/**
 * Whether somebody is signed in in this browser, as far as the pages know.
 *
 * The session itself is a cookie that no script can read, these pages' neither. In localStorage lies a mark alone: the id
 * of whoever has signed in, and which time it was, so that all tabs hear of it. It opens nothing, and follows what the
 * server says of who asks (`told`): the browser may have dropped the cookie, or the mark, or have got another cookie.
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

  /** The viewer of this id has signed in, and the browser has the cookie. */
  begin(viewer: string): void {
    const mark = `${viewer}:${Date.now()}-${crypto.getRandomValues(new Uint16Array(1))}`;
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
    if (!this.isCurrent(mark)) return;
    this.#store.removeItem(MARK_KEY);
    this.become({ mark: null, hasEnded: true });
  }

  /** The id of whom the server has just taken the cookie's sender for, null for nobody, while the mark was this. */
  told(mark: string | null, viewer: string | null): void {
    if (!this.isCurrent(mark)) return;
    if (viewer && !mark?.startsWith(`${viewer}:`)) this.begin(viewer);
    if (!viewer && mark) this.end(mark);
  }

  /** Whether no tab has signed out, or anybody else in, since the mark was this. */
  isCurrent(mark: string | null): boolean {
    this.#look();
    return mark === this.get().mark;
  }

  /** Another tab may have signed out, or somebody else in. */
  #look(): void {
    const mark = this.#store.getItem(MARK_KEY);
    if (mark !== this.get().mark) this.become({ mark, hasEnded: mark === null });
  }
}
