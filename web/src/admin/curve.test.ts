import { describe, expect, it } from "vitest";
import { scale, stepOf, ticks } from "./curve";
import { pathOf } from "./LineChart";

describe("ticks", () => {
  it("are round, and hold all values between them", () => {
    expect(ticks(0.113, 0.692, 4)).toEqual([0, 0.2, 0.4, 0.6, 0.8]);
    expect(ticks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(ticks(-0.031, 0.012, 4)).toEqual([-0.04, -0.02, 0, 0.02]);
  });

  it("are two even where all values are one", () => {
    expect(ticks(0.5, 0.5, 4).length).toBeGreaterThan(1);
    expect(ticks(0, 0, 4).length).toBeGreaterThan(1);
  });

  it("step by 1, 2 or 5", () => {
    expect([stepOf(9, 5), stepOf(20, 5), stepOf(0.3, 5)]).toEqual([2, 5, 0.1]);
  });
});

describe("a scale", () => {
  it("leads from values to places, upside down too", () => {
    const y = scale(0, 2, 100, 0);
    expect([y(0), y(1), y(2)]).toEqual([100, 50, 0]);
  });

  it("bears a span of nothing", () => {
    expect(scale(1, 1, 10, 20)(1)).toBe(10);
  });
});

describe("a line", () => {
  it("is broken where there is no value", () => {
    const points = [
      { x: 0, y: 1 },
      { x: 1, y: null },
      { x: 2, y: 3 },
      { x: 3, y: 4 },
    ];
    const same = (value: number) => value;
    expect(pathOf(points, same, same)).toBe("M0.0 1.0M2.0 3.0L3.0 4.0");
  });
});
