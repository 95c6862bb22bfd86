/**
 * The session of this browser tab: the token that signing in brought, or that it has ended.
 *
 * The token lies in sessionStorage, as GraphiQL keeps it, and so goes when the tab is closed: the machines of a ward
 * are shared. It is no cookie, so no other site can act with it, and the pages' policy admits no script but ours.
 */

import { Observable } from "../observable";

const TOKEN_KEY = "covidxr-token";

/** Where the token is kept: sessionStorage, or a stand-in with these three. */
export type Store = Pick<Storage, "getItem" | "setItem" | "removeItem">;

export interface SessionState {
  token: string | null;
  /** Whether there was a session that the server knows no more. */
  hasEnded: boolean;
}

export class Session extends Observable<SessionState> {
  #store: Store;

  constructor(store: Store) {
    super({ token: store.getItem(TOKEN_KEY), hasEnded: false });
    this.#store = store;
  }

  /** Keeps the token of a sign-in. */
  begin(token: string): void {
    this.#store.setItem(TOKEN_KEY, token);
    this.become({ token, hasEnded: false });
  }

  /** Forgets the token: the person has signed out. */
  leave(): void {
    this.#store.removeItem(TOKEN_KEY);
    this.become({ token: null, hasEnded: false });
  }

  /** The server refused this token; one that has been replaced meanwhile is not the session's. */
  end(token: string): void {
    if (token !== this.get().token) return;
    this.#store.removeItem(TOKEN_KEY);
    this.become({ token: null, hasEnded: true });
  }
}
