/** Images that are out of sight everywhere while their deletion can still be undone. */

import { useSyncExternalStore } from "react";

class Hidden {
  #ids: ReadonlySet<string> = new Set();
  #listeners = new Set<() => void>();

  get = (): ReadonlySet<string> => this.#ids;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  add(id: string): void {
    this.#become(new Set([...this.#ids, id]));
  }

  remove(id: string): void {
    this.#become(new Set([...this.#ids].filter((one) => one !== id)));
  }

  #become(ids: ReadonlySet<string>): void {
    this.#ids = ids;
    for (const listener of this.#listeners) listener();
  }
}

export const hidden = new Hidden();

export function useHidden(): ReadonlySet<string> {
  return useSyncExternalStore(hidden.subscribe, hidden.get);
}
