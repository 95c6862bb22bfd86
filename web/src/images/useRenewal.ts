/** Asks for signed addresses again before they expire, so that pictures still come to a page that has been open long. */

import { useEffect, useEffectEvent } from "react";

/** The server's addresses are good for a quarter of an hour. */
const RENEW_MS = 12 * 60_000;

export function useRenewal(renew: () => void): void {
  const act = useEffectEvent(renew);
  useEffect(() => {
    const timer = setInterval(() => act(), RENEW_MS);
    return () => clearInterval(timer);
  }, []);
}
