/** A list in pages, forwards by the server's cursors and back by the ones that led here. */

import { useState } from "react";
import { admin } from "../texts/admin";
import { useText } from "../texts/useText";

export interface Paging {
  /** Behind which cursor the page lies; null of the first. */
  after: string | null;
  isFirst: boolean;
  next: (endCursor: string | null) => void;
  back: () => void;
}

export function usePaging(): Paging {
  const [behind, setBehind] = useState<readonly string[]>([]);
  return {
    after: behind.at(-1) ?? null,
    isFirst: behind.length === 0,
    next: (endCursor) => endCursor && setBehind([...behind, endCursor]),
    back: () => setBehind(behind.slice(0, -1)),
  };
}

interface Props {
  paging: Paging;
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
}

/** The way to the other pages; nothing where there is one alone. */
export function Pager({ paging, pageInfo }: Props) {
  const text = useText(admin);
  if (paging.isFirst && !pageInfo.hasNextPage) return null;
  return (
    <nav className="d-flex gap-2" aria-label={text.pages}>
      <button
        type="button"
        className="btn btn-sm btn-outline-primary"
        disabled={paging.isFirst}
        onClick={paging.back}
      >
        {text.later}
      </button>
      <button
        type="button"
        className="btn btn-sm btn-outline-primary"
        disabled={!pageInfo.hasNextPage}
        onClick={() => paging.next(pageInfo.endCursor)}
      >
        {text.earlier}
      </button>
    </nav>
  );
}
