/** What of the trail is wanted, as the page keeps it and as the server is asked for it. */

import type { TrailKind } from "./TrailTable";

export interface Wanted {
  kind: TrailKind | "";
  /** The user whose deeds alone are shown. */
  actor: { id: string; name: string } | null;
  /** Days as date fields have them, both included, in the reader's time; empty where there is no bound. */
  since: string;
  until: string;
}

export const EVERYTHING: Wanted = { kind: "", actor: null, since: "", until: "" };

/** The filter of the query; what does not matter is left out. */
export function asked({ kind, actor, since, until }: Wanted) {
  return {
    ...(kind && { kinds: [kind] }),
    ...(actor && { actorId: actor.id }),
    ...(since && { since: midnight(since, 0) }),
    ...(until && { before: midnight(until, 1) }),
  };
}

/** The beginning of a day, or of one so many days later. */
function midnight(day: string, later: number): string {
  const moment = new Date(`${day}T00:00`);
  moment.setDate(moment.getDate() + later);
  return moment.toISOString();
}
