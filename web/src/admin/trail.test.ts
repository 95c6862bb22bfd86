import { describe, expect, it } from "vitest";
import { asked, EVERYTHING } from "./trail";

describe("what is asked of the trail", () => {
  it("is everything where nothing is chosen", () => {
    expect(asked(EVERYTHING)).toEqual({});
  });

  it("is what one user did, of one kind", () => {
    const actor = { id: "VXNlcjox", name: "Ana" };
    expect(asked({ ...EVERYTHING, kind: "SIGNED_IN", actor })).toEqual({
      kinds: ["SIGNED_IN"],
      actorId: "VXNlcjox",
    });
  });

  it("has both days in it, by the reader's clock", () => {
    const { since, before } = asked({ ...EVERYTHING, since: "2026-11-30", until: "2026-11-30" });
    expect(since).toBe(new Date(2026, 10, 30).toISOString());
    expect(before).toBe(new Date(2026, 11, 1).toISOString());
  });
});
