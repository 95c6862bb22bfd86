/** A list of images as it changes: pages that are fetched, and what is heard meanwhile. */

import type { ImageRow } from "./imageRow";

export interface ImageList {
  nodes: ImageRow[];
  totalCount: number;
  endCursor: string | null;
  hasNextPage: boolean;
}

export type ImageListChange =
  | { kind: "began"; page: ImageList }
  | { kind: "continued"; page: ImageList }
  /** An image is new, or is another now. New ones are put first only where the list shows all images. */
  | { kind: "seen"; row: ImageRow; showsAll: boolean }
  | { kind: "deleted"; id: string };

export const EMPTY: ImageList = {
  nodes: [],
  totalCount: 0,
  endCursor: null,
  hasNextPage: false,
};

export function changed(list: ImageList, change: ImageListChange): ImageList {
  switch (change.kind) {
    case "began":
      return change.page;
    case "continued":
      return { ...change.page, nodes: joined(list.nodes, change.page.nodes) };
    case "seen":
      return withRow(list, change.row, change.showsAll);
    case "deleted":
      return {
        ...list,
        nodes: list.nodes.filter(({ id }) => id !== change.id),
        totalCount: Math.max(0, list.totalCount - 1),
      };
  }
}

/** The list without what is out of sight for now. */
export function without(list: ImageList, hidden: ReadonlySet<string>): ImageList {
  const nodes = list.nodes.filter(({ id }) => !hidden.has(id));
  return { ...list, nodes, totalCount: list.totalCount - (list.nodes.length - nodes.length) };
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
