/** The viewer's images: page by page, and up to date by what is heard. */

import { useCallback, useEffect, useReducer, useState } from "react";
import { type Failure, failureOfOperation } from "../graphql/failure";
import { graphql, type VariablesOf } from "../graphql/graphql";
import { useLink } from "../graphql/Linked";
import { useFollow } from "../graphql/useFollow";
import { useHidden } from "./hidden";
import { changed, EMPTY, type ImageList, type ImageListChange, without } from "./imageList";
import { IMAGE_ROW } from "./imageRow";

const PAGE = 25;

const IMAGES = graphql(
  `query Images($first: Int!, $after: String, $filter: ImageFilter) {
  images(first: $first, after: $after, filter: $filter) {
    totalCount
    nodes { ...ImageRow }
    pageInfo { hasNextPage endCursor }
  }
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

export interface Images {
  list: ImageList;
  status: "loading" | "ready" | "failed";
  failure: Failure | null;
  change: (change: ImageListChange) => void;
  reload: () => void;
  more: () => void;
}

export function useImages(filter: ImageFilter): Images {
  const { client } = useLink();
  const [list, change] = useReducer(changed, EMPTY);
  const [status, setStatus] = useState<Images["status"]>("loading");
  const [failure, setFailure] = useState<Failure | null>(null);
  const showsAll = Object.keys(filter).length === 0;

  const fetchPage = useCallback(
    async (after: string | null, isCurrent: () => boolean) => {
      const variables = { first: PAGE, after, filter };
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
    [client, filter],
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
  useEffect(() => {
    // The subscription may have stood all along, and begins no more by itself.
    if (status !== "failed") return;
    window.addEventListener("online", reload);
    return () => window.removeEventListener("online", reload);
  }, [status, reload]);
  const more = () => void fetchPage(list.endCursor, () => true);
  return { list: without(list, useHidden()), status, failure, change, reload, more };
}
