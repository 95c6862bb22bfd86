/** A list of images as it changes: pages that are fetched, and what is heard meanwhile. */

import type { ImageRow } from "./imageRow";

export interface ImagePage {
  nodes: ImageRow[];
  totalCount: number;
  endCursor: string | null;
  hasNextPage: boolean;
}

export interface ImageList extends ImagePage {
  /** Taken out of sight while their deletion can still be undone. */
  hidden: ReadonlySet<string>;
}

export type ImageListChange =
  | { kind: "began"; page: ImagePage }
  | { kind: "continued"; page: ImagePage }
  /** An image is new, or is another now. New ones are put first only where the list shows all images. */
  | { kind: "seen"; row: ImageRow; showsAll: boolean }
  | { kind: "hidden"; id: string }
  | { kind: "restored"; id: string }
  | { kind: "deleted"; id: string };

export const EMPTY: ImageList = {
  nodes: [],
  totalCount: 0,
  endCursor: null,
  hasNextPage: false,
  hidden: new Set(),
};

export function changed(list: ImageList, change: ImageListChange): ImageList {
  switch (change.kind) {
    case "began":
      return { ...change.page, hidden: list.hidden };
    case "continued":
      return { ...change.page, nodes: joined(list.nodes, change.page.nodes), hidden: list.hidden };
    case "seen":
      return withRow(list, change.row, change.showsAll);
    case "hidden":
      return { ...list, hidden: new Set([...list.hidden, change.id]) };
    case "restored":
      return { ...list, hidden: without(list.hidden, change.id) };
    case "deleted":
      return {
        ...list,
        nodes: list.nodes.filter(({ id }) => id !== change.id),
        totalCount: Math.max(0, list.totalCount - 1),
        hidden: without(list.hidden, change.id),
      };
  }
}

/** Rows in sight. */
export function shown(list: ImageList): ImageRow[] {
  return list.nodes.filter(({ id }) => !list.hidden.has(id));
}

function without(ids: ReadonlySet<string>, id: string): ReadonlySet<string> {
  return new Set([...ids].filter((one) => one !== id));
}

function joined(rows: ImageRow[], further: ImageRow[]): ImageRow[] {
  const known = new Set(rows.map(({ id }) => id));
  return [...rows, ...further.filter(({ id }) => !known.has(id))];
}

function withRow(list: ImageList, row: ImageRow, showsAll: boolean): ImageList {
  if (list.nodes.some(({ id }) => id === row.id))
    return { ...list, nodes: list.nodes.map((one) => (one.id === row.id ? row : one)) };
  if (!showsAll) return list;
  return { ...list, nodes: [row, ...list.nodes], totalCount: list.totalCount + 1 };
}
