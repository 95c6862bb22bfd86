/** Examine: images go up, and what the classifier finds in them appears as it is found. */

import { useCallback, useState } from "react";
import { Filters } from "../examine/Filters";
import { ImageTable } from "../examine/ImageTable";
import { UploadPanel } from "../examine/UploadPanel";
import { Choice } from "../forms/Choice";
import type { ImageRow } from "../images/imageRow";
import { useDelete } from "../images/useDelete";
import { type ImageFilter, type ImageOrder, showsAllNewest, useImages } from "../images/useImages";
import { MembersOnly } from "../layout/MembersOnly";
import { Page } from "../layout/Page";
import type { Viewer } from "../layout/Viewed";
import { FailureNote } from "../parts/FailureNote";
import { ResearchOnly } from "../parts/ResearchWarning";
import { Skeleton } from "../parts/Skeleton";
import { common } from "../texts/common";
import { examine } from "../texts/examine";
import { useFormat, useText } from "../texts/useText";

const ALL: ImageFilter = {};
const ORDERS: readonly ImageOrder[] = ["NEWEST", "OLDEST", "NAME", "NAME_REVERSED"];

export function ExaminePage() {
  return <MembersOnly>{(viewer) => <Examine viewer={viewer} />}</MembersOnly>;
}

function Examine({ viewer }: { viewer: Viewer }) {
  const text = useText(examine);
  const [filter, setFilter] = useState(ALL);
  const [order, setOrder] = useState<ImageOrder>("NEWEST");
  const images = useImages(filter, order);
  const { change } = images;
  const remove = useDelete((id) => change({ kind: "deleted", id }));
  const isFiltered = filter !== ALL && Object.keys(filter).length > 0;
  const stored = useCallback(
    (row: ImageRow) => change({ kind: "seen", row, showsAll: showsAllNewest(filter, order) }),
    [change, filter, order],
  );
  const caption = viewer.role === "ADMIN" ? text.table.captionAll : text.table.caption;
  return (
    <Page title={text.title} width="wide">
      <ResearchOnly />
      <UploadPanel stored={stored} />
      <Filters filter={filter} onChange={setFilter}>
        <Choice
          label={text.order.label}
          options={ORDERS.map((one) => [one, text.order[one]] as const)}
          value={order}
          onChange={setOrder}
        />
      </Filters>
      {images.status === "loading" && <Skeleton what={text.what} />}
      {images.status === "failed" && images.failure && (
        <FailureNote failure={images.failure} retry={images.reload} />
      )}
      {images.status === "ready" && (
        <>
          {images.list.nodes.length > 0 ? (
            <ImageTable
              rows={images.list.nodes}
              caption={caption}
              changed={(row) => change({ kind: "seen", row, showsAll: false })}
              remove={remove}
            />
          ) : (
            <p className="text-body-secondary py-4">{isFiltered ? text.table.noneFound : text.table.none}</p>
          )}
          <Ending images={images} />
        </>
      )}
    </Page>
  );
}

function Ending({ images: { list, more } }: { images: ReturnType<typeof useImages> }) {
  const text = useText(examine).table;
  const words = useText(common);
  const { number } = useFormat();
  if (list.totalCount === 0) return null;
  return (
    <p className="d-flex flex-wrap align-items-center gap-3" role="status">
      {text.count(number(list.nodes.length), number(list.totalCount))}
      {list.hasNextPage && (
        <button type="button" className="btn btn-sm btn-outline-primary" onClick={more}>
          {words.more}
        </button>
      )}
    </p>
  );
}
