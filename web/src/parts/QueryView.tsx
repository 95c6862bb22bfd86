/** Shows a query while it loads, when it failed, and its data. */

import type { ReactNode } from "react";
import type { QueryState } from "../graphql/useQuery";
import { common } from "../texts/common";
import { useText } from "../texts/useText";
import { FailureNote } from "./FailureNote";
import { Skeleton } from "./Skeleton";

interface Props<Data> {
  state: QueryState<Data>;
  /** What is being loaded, in the reader's language: "the model". */
  what: string;
  children: (data: Data) => ReactNode;
}

export function QueryView<Data>({ state, what, children }: Props<Data>) {
  const text = useText(common);
  switch (state.status) {
    case "loading":
      return <Skeleton what={what} />;
    case "failed":
      return <FailureNote failure={state.failure} lead={text.couldNotLoad(what)} retry={state.retry} />;
    case "ready":
      return children(state.data);
  }
}
