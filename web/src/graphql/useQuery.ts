/** Runs a query when a part of the page appears, and tells how far it has come. */

import { useCallback, useEffect, useState } from "react";
import { request } from "./request";

export type QueryState<Data> =
  | { status: "loading" }
  | { status: "failed"; message: string; retry: () => void }
  | { status: "ready"; data: Data };

export function useQuery<Data>(query: string, variables?: Record<string, unknown>): QueryState<Data> {
  const [state, setState] = useState<QueryState<Data>>({ status: "loading" });
  const [attempt, setAttempt] = useState(0);
  const operation = JSON.stringify({ query, variables });
  const retry = useCallback(() => setAttempt((count) => count + 1), []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: equal operations are one, and another attempt sends it again
  useEffect(() => {
    let current = true;
    const settle = (next: QueryState<Data>) => {
      if (current) setState(next);
    };
    setState({ status: "loading" });
    request<Data>(query, variables).then(
      (data) => settle({ status: "ready", data }),
      (error: Error) => settle({ status: "failed", message: error.message, retry }),
    );
    return () => {
      current = false;
    };
  }, [operation, attempt, retry]);

  return state;
}
