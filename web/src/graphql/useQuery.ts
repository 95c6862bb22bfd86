/** Runs a query when a part of the page appears, and tells how far it has come. */

import { useCallback, useEffect, useState } from "react";
import { request } from "./request";

export type QueryState<Data> =
  | { status: "loading" }
  | { status: "failed"; message: string; retry: () => void }
  | { status: "ready"; data: Data };

export function useQuery<Data>(query: string): QueryState<Data> {
  const [state, setState] = useState<QueryState<Data>>({ status: "loading" });
  const [attempt, setAttempt] = useState(0);
  const retry = useCallback(() => setAttempt((count) => count + 1), []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt sends the same query again
  useEffect(() => {
    let current = true;
    const settle = (next: QueryState<Data>) => {
      if (current) setState(next);
    };
    setState({ status: "loading" });
    request<Data>(query).then(
      (data) => settle({ status: "ready", data }),
      (error: Error) => settle({ status: "failed", message: error.message, retry }),
    );
    return () => {
      current = false;
    };
  }, [query, attempt, retry]);

  return state;
}
