/** The session of this tab, for components. */

import { useSyncExternalStore } from "react";
import { Session, type SessionState } from "./session";

export const session = new Session(window.sessionStorage);

export function useSession(): SessionState {
  return useSyncExternalStore(session.subscribe, session.get);
}
