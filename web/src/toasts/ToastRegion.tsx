/** Where the short messages appear; screen readers say them without a change of focus. */

import { useEffect, useState, useSyncExternalStore } from "react";
import { common } from "../texts/common";
import { useText } from "../texts/useText";
import { type Toast, toasts } from "./toasts";

/** Long enough to read a line and to reach the button, and the clock stops under the pointer and the focus. */
const SECONDS = 10;

export function ToastRegion() {
  const text = useText(common);
  const shown = useSyncExternalStore(toasts.subscribe, toasts.get);
  useEffect(() => {
    const leave = () => toasts.dismissAll();
    window.addEventListener("pagehide", leave);
    return () => window.removeEventListener("pagehide", leave);
  }, []);
  return (
    <section className="toasts" aria-label={text.messages} aria-live="polite">
      {shown.map((toast) => (
        <OneToast toast={toast} key={toast.id} />
      ))}
    </section>
  );
}

function OneToast({ toast }: { toast: Toast }) {
  const text = useText(common);
  const [isHeld, setHeld] = useState(false);
  useEffect(() => {
    if (isHeld) return;
    const timer = setTimeout(() => toasts.dismiss(toast.id), 1000 * SECONDS);
    return () => clearTimeout(timer);
  }, [isHeld, toast.id]);
  const hold = () => setHeld(true);
  const release = () => setHeld(false);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the pointer only stops the clock
    <div
      className={`toast-note toast-${toast.tone}`}
      onMouseEnter={hold}
      onMouseLeave={release}
      onFocus={hold}
      onBlur={release}
    >
      <span>{toast.message}</span>
      {toast.undo && (
        <button type="button" className="btn btn-sm btn-light" onClick={() => toasts.undo(toast.id)}>
          {text.undo}
        </button>
      )}
      <button type="button" className="btn btn-sm btn-link" onClick={() => toasts.dismiss(toast.id)}>
        {text.dismiss}
      </button>
    </div>
  );
}
