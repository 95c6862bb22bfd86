/** Runs a query when a part of the page appears, and tells how far it has come. */

import { useCallback } from "react";
import { useQuery as useUrqlQuery } from "urql";
import { type Failure, failureOfOperation } from "./failure";
import type { TadaDocumentNode } from "./graphql";

export type QueryState<Data> =
  | { status: "loading" }
  | { status: "failed"; failure: Failure; retry: () => void }
  | { status: "ready"; data: Data; retry: () => void };

/** Data that are there go on being shown while they are asked for anew. */
export function useQuery<Data, Variables extends Record<string, unknown>>(
  query: TadaDocumentNode<Data, Variables>,
  variables: Variables,
  options: { pause?: boolean } = {},
): QueryState<Data> {
  const [{ data, error, fetching }, execute] = useUrqlQuery<Data, Variables>({
    query,
    variables,
    pause: options.pause ?? false,
  } as Parameters<typeof useUrqlQuery<Data, Variables>>[0]);
  const retry = useCallback(() => execute({ requestPolicy: "network-only" }), [execute]);

  if (data) return { status: "ready", data, retry };
  if (error && !fetching) return { status: "failed", failure: failureOfOperation(error), retry };
  return { status: "loading" };
}
