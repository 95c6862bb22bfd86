/** Short messages about what has just been done, some with a way back. */

import { Observable } from "../observable";

export interface Toast {
  id: number;
  message: string;
  tone: "done" | "failed";
  /** The way back, good for as long as the message is there. */
  undo?: (() => void) | undefined;
  /** Called once when the message goes without having been undone. */
  gone?: (() => void) | undefined;
}

export class Toasts extends Observable<readonly Toast[]> {
  #last = 0;

  constructor() {
    super([]);
  }

  show(toast: Omit<Toast, "id">): void {
    this.#last += 1;
    this.become([...this.get(), { ...toast, id: this.#last }]);
  }

  undo(id: number): void {
    this.#take(id)?.undo?.();
  }

  dismiss(id: number): void {
    this.#take(id)?.gone?.();
  }

  /** All at once, for instance since the page is being left. */
  dismissAll(): void {
    for (const { id } of this.get()) this.dismiss(id);
  }

  #take(id: number): Toast | undefined {
    const toast = this.get().find((one) => one.id === id);
    if (toast) this.become(this.get().filter((one) => one !== toast));
    return toast;
  }
}

export const toasts = new Toasts();
