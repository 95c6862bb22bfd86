/** Shows a query while it loads, when it failed, and its data. */

import type { ReactNode } from "react";
import type { QueryState } from "../graphql/useQuery";

interface Props<Data> {
  state: QueryState<Data>;
  /** What is being loaded, for the reader: "the model". */
  what: string;
  children: (data: Data) => ReactNode;
}

export function QueryView<Data>({ state, what, children }: Props<Data>) {
  switch (state.status) {
    case "loading":
      return (
        <p className="placeholder-glow" role="status">
          <span className="visually-hidden">Loading {what} …</span>
          <span className="placeholder col-9" aria-hidden="true" />
          <span className="placeholder col-6" aria-hidden="true" />
          <span className="placeholder col-8" aria-hidden="true" />
        </p>
      );
    case "failed":
      return (
        <div className="alert alert-danger" role="alert">
          <p className="mb-2">
            Could not load {what}: {state.message}
          </p>
          <button type="button" className="btn btn-sm btn-outline-danger" onClick={state.retry}>
            Try again
          </button>
        </div>
      );
    case "ready":
      return children(state.data);
  }
}
