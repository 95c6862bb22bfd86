/** Who is signed in here; null while nobody is, or while that is being asked. */

import { useEffect } from "react";
import { graphql, type ResultOf } from "../graphql/graphql";
import { type QueryState, useQuery } from "../graphql/useQuery";
import { session, useSession } from "../session/useSession";

const VIEWER = graphql(`query Viewer { viewer { id name email role secondFactorSince } }`);

export type Viewer = NonNullable<ResultOf<typeof VIEWER>["viewer"]>;

export function useViewerState(): QueryState<ResultOf<typeof VIEWER>> {
  const { token } = useSession();
  const state = useQuery(VIEWER, {}, { pause: !token });
  const isUnknown = state.status === "ready" && !state.data.viewer;
  useEffect(() => {
    // The token has expired: whoever sends it is somebody who has not signed in.
    if (token && isUnknown) session.end(token);
  }, [token, isUnknown]);
  return state;
}

export function useViewer(): Viewer | null {
  const { token } = useSession();
  const state = useViewerState();
  return token && state.status === "ready" ? state.data.viewer : null;
}
