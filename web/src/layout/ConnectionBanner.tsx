/** Says when the browser is offline, or when what is followed has lost its connection. */

import { useEffect, useState, useSyncExternalStore } from "react";
import { connection } from "../graphql/connection";
import { common } from "../texts/common";
import { useText } from "../texts/useText";

/** A connection that comes back as soon is not worth a word. */
const PATIENCE_MS = 1_500;

function onOnline(listener: () => void): () => void {
  window.addEventListener("online", listener);
  window.addEventListener("offline", listener);
  return () => {
    window.removeEventListener("online", listener);
    window.removeEventListener("offline", listener);
  };
}

function useLasting(isTrue: boolean): boolean {
  const [lasts, setLasts] = useState(false);
  useEffect(() => {
    if (!isTrue) {
      setLasts(false);
      return;
    }
    const timer = setTimeout(() => setLasts(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [isTrue]);
  return lasts;
}

export function ConnectionBanner() {
  const text = useText(common);
  const isOnline = useSyncExternalStore(onOnline, () => navigator.onLine);
  const isLost = useLasting(useSyncExternalStore(connection.subscribe, connection.get) === "lost");
  const words = isOnline ? (isLost ? text.reconnecting : null) : text.offline;
  return (
    <div role="status">{words && <p className="alert alert-warning connection-banner mb-0">{words}</p>}</div>
  );
}
