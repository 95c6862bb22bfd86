/** The session of this browser, for components. */

import { useSyncExternalStore } from "react";
import { Session, type SessionState } from "./session";

export const session = new Session(window.localStorage, window);

export function useSession(): SessionState {
  return useSyncExternalStore(session.subscribe, session.get);
}
