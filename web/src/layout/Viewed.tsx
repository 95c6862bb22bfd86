/** Tells the pages below who is signed in here. */

import { createContext, type ReactNode, useContext, useEffect } from "react";
import { graphql, type ResultOf } from "../graphql/graphql";
import { type QueryState, useQuery } from "../graphql/useQuery";
import { session, useSession } from "../session/useSession";

const VIEWER = graphql(`query Viewer { viewer { id name email role secondFactorSince } }`);

type Answer = ResultOf<typeof VIEWER>;
export type Viewer = NonNullable<Answer["viewer"]>;

const ViewerContext = createContext<QueryState<Answer> | null>(null);

/**
 * Asks once for all of them. A page that React does not show yet asks each time it is drawn, and the answer has it drawn
 * again, where others wait for the same: that made some thirty requests of each page.
 */
export function Viewed({ children }: { children: ReactNode }) {
  const { mark } = useSession();
  const state = useQuery(VIEWER, {});
  const viewer = state.status === "ready" ? (state.data.viewer?.id ?? null) : undefined;
  useEffect(() => {
    if (viewer !== undefined) session.told(mark, viewer);
  }, [mark, viewer]);
  return <ViewerContext value={state}>{children}</ViewerContext>;
}

export function useViewerState(): QueryState<Answer> {
  const state = useContext(ViewerContext);
  if (!state) throw new Error("useViewerState needs <Viewed> above it");
  return state;
}

/** Null while nobody is signed in, or while that is being asked. */
export function useViewer(): Viewer | null {
  const { mark } = useSession();
  const state = useViewerState();
  return mark && state.status === "ready" ? state.data.viewer : null;
}
