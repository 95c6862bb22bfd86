/** Who is signed in here; null while nobody is, or while that is being asked. */

import { useEffect } from "react";
import { graphql, type ResultOf } from "../graphql/graphql";
import { type QueryState, useQuery } from "../graphql/useQuery";
import { session, useSession } from "../session/useSession";

const VIEWER = graphql(`query Viewer { viewer { id name email role secondFactorSince } }`);

export type Viewer = NonNullable<ResultOf<typeof VIEWER>["viewer"]>;

export function useViewerState(): QueryState<ResultOf<typeof VIEWER>> {
  const { mark } = useSession();
  const state = useQuery(VIEWER, {}, { pause: !mark });
  const isUnknown = state.status === "ready" && !state.data.viewer;
  useEffect(() => {
    // The cookie is gone, or good no more: whoever sends it is somebody who has not signed in.
    if (mark && isUnknown) session.end(mark);
  }, [mark, isUnknown]);
  return state;
}

export function useViewer(): Viewer | null {
  const { mark } = useSession();
  const state = useViewerState();
  return mark && state.status === "ready" ? state.data.viewer : null;
}
