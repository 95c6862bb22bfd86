/** Asks a query again that has been answered, or has failed, since something has happened. */

import type { QueryState } from "../graphql/useQuery";

export function refresh<Data>(state: QueryState<Data>): void {
  if (state.status !== "loading") state.retry();
}
