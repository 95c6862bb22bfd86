/** The viewer's images: page by page, and up to date by what is heard. */

import { useCallback, useEffect, useReducer, useState } from "react";
import { type Failure, failureOfOperation } from "../graphql/failure";
import { graphql, type VariablesOf } from "../graphql/graphql";
import { useLink } from "../graphql/Linked";
import { useFollow } from "../graphql/useFollow";
import { useHidden } from "./hidden";
import { changed, EMPTY, type ImageList, type ImageListChange, without } from "./imageList";
import { IMAGE_ROW } from "./imageRow";
import { useRenewal } from "./useRenewal";

const PAGE = 25;

const IMAGES = graphql(
  `query Images($first: Int!, $after: String, $filter: ImageFilter, $order: ImageOrder) {
  images(first: $first, after: $after, filter: $filter, orderBy: $order) {
    totalCount
    nodes { ...ImageRow }
    pageInfo { hasNextPage endCursor }
  }
}`,
  [IMAGE_ROW],
);

const ROWS = graphql(`query Rows($ids: [ID!]!) { nodes(ids: $ids) { __typename ...ImageRow } }`, [IMAGE_ROW]);
/** As many as the server gives by their ids at once. */
const AT_ONCE = 100;

const CHANGES = graphql(
  `subscription FindingChanged($after: Cursor) {
  findingChanged(after: $after) { cursor change { prediction { image { ...ImageRow } } } }
}`,
  [IMAGE_ROW],
);

const PREDICTIONS = graphql(
  `subscription PredictionMade($after: Cursor) {
  predictionMade(after: $after) { cursor prediction { image { ...ImageRow } } }
}`,
  [IMAGE_ROW],
);

export type ImageFilter = NonNullable<VariablesOf<typeof IMAGES>["filter"]>;
export type ImageOrder = NonNullable<VariablesOf<typeof IMAGES>["order"]>;

/** Whether a list has all images, the newest first: only there is the place of a new one known. */
export const showsAllNewest = (filter: ImageFilter, order: ImageOrder): boolean =>
  Object.keys(filter).length === 0 && order === "NEWEST";

export interface Images {
  list: ImageList;
  status: "loading" | "ready" | "failed";
  failure: Failure | null;
  change: (change: ImageListChange) => void;
  reload: () => void;
  more: () => void;
}

export function useImages(filter: ImageFilter, order: ImageOrder): Images {
  const { client } = useLink();
  const [list, change] = useReducer(changed, EMPTY);
  const [status, setStatus] = useState<Images["status"]>("loading");
  const [failure, setFailure] = useState<Failure | null>(null);
  const showsAll = showsAllNewest(filter, order);

  const fetchPage = useCallback(
    async (after: string | null, isCurrent: () => boolean) => {
      const variables = { first: PAGE, after, filter, order };
      const { data, error } = await client.query(IMAGES, variables, { requestPolicy: "network-only" });
      if (!isCurrent()) return;
      if (!data) {
        if (error) setFailure(failureOfOperation(error));
        setStatus("failed");
        return;
      }
      const { nodes, totalCount, pageInfo } = data.images;
      change({ kind: after ? "continued" : "began", page: { nodes, totalCount, ...pageInfo } });
      setFailure(null);
      setStatus("ready");
    },
    [client, filter, order],
  );

  const [request, setRequest] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: every request fetches again
  useEffect(() => {
    let isCurrent = true;
    void fetchPage(null, () => isCurrent);
    return () => {
      isCurrent = false;
    };
  }, [fetchPage, request]);

  const reload = useCallback(() => setRequest((count) => count + 1), []);
  useFollow(PREDICTIONS, {
    heard: ({ predictionMade }) => change({ kind: "seen", row: predictionMade.prediction.image, showsAll }),
    begun: reload,
  });
  // A rollback makes no predictions, and yet changes findings.
  useFollow(CHANGES, {
    heard: ({ findingChanged: { change: changedTo } }) =>
      change({ kind: "seen", row: changedTo.prediction.image, showsAll: false }),
  });
  useRenewal(async () => {
    for (let start = 0; start < list.nodes.length; start += AT_ONCE) {
      const ids = list.nodes.slice(start, start + AT_ONCE).map(({ id }) => id);
      const { data } = await client.query(ROWS, { ids }, { requestPolicy: "network-only" });
      for (const row of data?.nodes ?? [])
        if (row?.__typename === "Image") change({ kind: "seen", row, showsAll: false });
    }
  });
  useEffect(() => {
    // The subscription may have stood all along, and begins no more by itself.
    if (status !== "failed") return;
    window.addEventListener("online", reload);
    return () => window.removeEventListener("online", reload);
  }, [status, reload]);
  const more = () => void fetchPage(list.endCursor, () => true);
  return { list: without(list, useHidden()), status, failure, change, reload, more };
}
