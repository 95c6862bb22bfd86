/** Runs a query when a part of the page appears, and tells how far it has come. */

import { useCallback, useMemo, useState } from "react";
import { useClient, useQuery as useUrqlQuery } from "urql";
import { type Failure, failureOfOperation } from "./failure";
import type { TadaDocumentNode } from "./graphql";

export type QueryState<Data> =
  | { status: "loading" }
  | { status: "failed"; failure: Failure; retry: () => void }
  | { status: "ready"; data: Data; retry: () => void };

interface Options {
  pause?: boolean;
  /**
   * Types whose change by a mutation renews the answer, besides those that are in it: an empty list does not tell what
   * it would hold, nor a deletion what it has deleted. A constant, or the query is asked anew at every look.
   */
  additionalTypenames?: string[];
}

/** Data that are there go on being shown while they are asked for anew. */
export function useQuery<Data, Variables extends Record<string, unknown>>(
  query: TadaDocumentNode<Data, Variables>,
  variables: Variables,
  { pause = false, additionalTypenames }: Options = {},
): QueryState<Data> {
  const context = useMemo(() => (additionalTypenames ? { additionalTypenames } : {}), [additionalTypenames]);
  const [{ data: latest, error, fetching }, execute] = useUrqlQuery<Data, Variables>({
    query,
    variables,
    pause,
    context,
  } as Parameters<typeof useUrqlQuery<Data, Variables>>[0]);
  const data = useOwn(latest);
  const retry = useCallback(() => execute({ requestPolicy: "network-only" }), [execute]);

  if (data) return { status: "ready", data, retry };
  if (error && !fetching) return { status: "failed", failure: failureOfOperation(error), retry };
  return { status: "loading" };
}

/** The latest answer, unless it was given to the session before: urql keeps that until there is another. */
function useOwn<Data>(latest: Data | undefined): Data | undefined {
  const client = useClient();
  const [before, setBefore] = useState<{ client: typeof client; data?: Data | undefined }>({ client });
  if (before.client !== client) setBefore({ client, data: latest });
  return latest === before.data ? undefined : latest;
}

/** Asks a query again that has been answered, or has failed, since something has happened. */
export function refresh<Data>(state: QueryState<Data>): void {
  if (state.status !== "loading") state.retry();
}
