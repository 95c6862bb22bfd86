/** Images that are out of sight everywhere while their deletion can still be undone. */

import { useSyncExternalStore } from "react";
import { Observable } from "../observable";

class Hidden extends Observable<ReadonlySet<string>> {
  add(id: string): void {
    this.become(new Set([...this.get(), id]));
  }

  remove(id: string): void {
    this.become(new Set([...this.get()].filter((one) => one !== id)));
  }
}

export const hidden = new Hidden(new Set());

export function useHidden(): ReadonlySet<string> {
  return useSyncExternalStore(hidden.subscribe, hidden.get);
}
