/** Short messages about what has just been done, some with a way back. */

export interface Toast {
  id: number;
  message: string;
  tone: "done" | "failed";
  /** The way back, good for as long as the message is there. */
  undo?: (() => void) | undefined;
  /** Called once when the message goes without having been undone. */
  gone?: (() => void) | undefined;
}

export class Toasts {
  #toasts: readonly Toast[] = [];
  #listeners = new Set<() => void>();
  #last = 0;

  get = (): readonly Toast[] => this.#toasts;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  show(toast: Omit<Toast, "id">): void {
    this.#last += 1;
    this.#become([...this.#toasts, { ...toast, id: this.#last }]);
  }

  undo(id: number): void {
    this.#take(id)?.undo?.();
  }

  dismiss(id: number): void {
    this.#take(id)?.gone?.();
  }

  /** All at once, for instance since the page is being left. */
  dismissAll(): void {
    for (const { id } of this.#toasts) this.dismiss(id);
  }

  #take(id: number): Toast | undefined {
    const toast = this.#toasts.find((one) => one.id === id);
    if (toast) this.#become(this.#toasts.filter((one) => one !== toast));
    return toast;
  }

  #become(toasts: readonly Toast[]): void {
    this.#toasts = toasts;
    for (const listener of this.#listeners) listener();
  }
}

export const toasts = new Toasts();
