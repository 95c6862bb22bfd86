import { describe, expect, it } from "vitest";
import { changed, EMPTY, type ImageList, without } from "./imageList";
import type { ImageRow } from "./imageRow";

const row = (id: string, filename = `${id}.png`): ImageRow => ({
  id,
  filename,
  patientRef: null,
  uploadedAt: "2026-11-28T08:00:00Z",
  thumbnailUrl: "http://x/thumbnails/1",
  predictionState: "PENDING",
  failure: null,
  labelConflict: false,
  prediction: null,
  label: null,
});

const page = (ids: string[], totalCount = ids.length, hasNextPage = false) => ({
  nodes: ids.map((id) => row(id)),
  totalCount,
  endCursor: ids.at(-1) ?? null,
  hasNextPage,
});

const ids = (list: ImageList) => list.nodes.map(({ id }) => id);
const begun = changed(EMPTY, { kind: "began", page: page(["c", "b"], 3, true) });

describe("a list of images", () => {
  it("goes on behind its end, and shows none twice", () => {
    const list = changed(begun, { kind: "continued", page: page(["b", "a"], 3) });
    expect(ids(list)).toEqual(["c", "b", "a"]);
    expect(list.hasNextPage).toBe(false);
  });

  it("puts a new image first, where all are shown", () => {
    const list = changed(begun, { kind: "seen", row: row("d"), showsAll: true });
    expect(ids(list)).toEqual(["d", "c", "b"]);
    expect(list.totalCount).toBe(4);
    expect(changed(begun, { kind: "seen", row: row("d"), showsAll: false })).toBe(begun);
  });

  it("changes an image where it stands, once or again", () => {
    const seen = { kind: "seen", row: row("b", "other.png"), showsAll: true } as const;
    const list = changed(changed(begun, seen), seen);
    expect(list.nodes.map(({ filename }) => filename)).toEqual(["c.png", "other.png"]);
    expect(list.totalCount).toBe(3);
  });

  it("loses what is deleted", () => {
    const list = changed(begun, { kind: "deleted", id: "c" });
    expect(ids(list)).toEqual(["b"]);
    expect(list.totalCount).toBe(2);
  });

  it("is shown without what may still be deleted", () => {
    const shown = without(begun, new Set(["c", "elsewhere"]));
    expect(ids(shown)).toEqual(["b"]);
    expect(shown.totalCount).toBe(2);
  });
});
