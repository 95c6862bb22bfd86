/** Asks once, and again only when told to: for what must not change under the reader's hands. */

import { useCallback, useEffect, useState } from "react";
import { failureOfOperation } from "./failure";
import type { TadaDocumentNode } from "./graphql";
import { useLink } from "./Linked";
import type { QueryState } from "./useQuery";

/** `variables` are those of the latest call of `retry`, or of the first time. */
export function useFetch<Data, Variables extends Record<string, unknown>>(
  query: TadaDocumentNode<Data, Variables>,
  first: Variables,
): [QueryState<Data>, (variables: Variables) => void] {
  const { client } = useLink();
  const [request, setRequest] = useState({ variables: first });
  const [state, setState] = useState<QueryState<Data>>({ status: "loading" });
  const ask = useCallback((variables: Variables) => setRequest({ variables }), []);

  useEffect(() => {
    let isCurrent = true;
    setState({ status: "loading" });
    void client
      .query<Data>(query, request.variables, { requestPolicy: "network-only" })
      .then(({ data, error }) => {
        if (!isCurrent) return;
        const retry = () => ask(request.variables);
        if (data) setState({ status: "ready", data, retry });
        else if (error) setState({ status: "failed", failure: failureOfOperation(error), retry });
      });
    return () => {
      isCurrent = false;
    };
  }, [client, query, request, ask]);

  return [state, ask];
}
