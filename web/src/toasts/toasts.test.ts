import { describe, expect, it, vi } from "vitest";
import { Toasts } from "./toasts";

describe("toasts", () => {
  it("do what waits for them when they go", () => {
    const toasts = new Toasts();
    const gone = vi.fn();
    toasts.show({ message: "Deleted", tone: "done", undo: () => {}, gone });
    toasts.dismiss(1);
    toasts.dismiss(1);
    expect(gone).toHaveBeenCalledOnce();
    expect(toasts.get()).toEqual([]);
  });

  it("take it back when they are undone", () => {
    const toasts = new Toasts();
    const [undo, gone] = [vi.fn(), vi.fn()];
    toasts.show({ message: "Deleted", tone: "done", undo, gone });
    toasts.undo(1);
    toasts.dismiss(1);
    expect(undo).toHaveBeenCalledOnce();
    expect(gone).not.toHaveBeenCalled();
  });

  it("tell whoever listens", () => {
    const toasts = new Toasts();
    const listener = vi.fn();
    toasts.subscribe(listener);
    toasts.show({ message: "Saved", tone: "done" });
    toasts.show({ message: "Saved", tone: "done" });
    toasts.dismissAll();
    expect(listener).toHaveBeenCalledTimes(4);
  });
});
