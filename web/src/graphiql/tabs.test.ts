import { describe, expect, it } from "vitest";
import { TABS } from "./tabs";

const COLUMNS = 48;

describe("the tabs", () => {
  it.each(TABS)("show whole lines: $query", ({ query, variables }) => {
    const lines = `${query}\n${variables ?? ""}`.split("\n");
    expect(lines.filter((line) => line.length > COLUMNS)).toEqual([]);
  });

  it("leave the first without variables, which GraphiQL would drop", () => {
    expect(TABS[0]?.variables).toBeUndefined();
  });
});
