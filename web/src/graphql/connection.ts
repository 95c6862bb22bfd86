/** Whether what is followed is being heard, for the banner that says so. */

export class Connection {
  #isLost = false;
  #listeners = new Set<() => void>();

  isLost = (): boolean => this.#isLost;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** A subscription has lost its connection and waits for another. */
  lost(): void {
    this.#become(true);
  }

  /** The socket stands, or nobody listens any more. */
  found(): void {
    this.#become(false);
  }

  #become(isLost: boolean): void {
    if (isLost === this.#isLost) return;
    this.#isLost = isLost;
    for (const listener of this.#listeners) listener();
  }
}

export const connection = new Connection();
