import { describe, expect, it } from "vitest";
import { figureOf, reachOf, SIGNALS, someOf } from "./drift";

describe("drift", () => {
  it("has a figure for each signal", () => {
    const figures = { abstentions: 1, meanProbability: 2, meanDistance: 3, agreement: 4 };
    expect(SIGNALS.map((signal) => figureOf(signal, figures))).toEqual([1, 2, 3, 4]);
  });

  it("is drawn with the interval and the margin in view", () => {
    expect(reachOf({ low: -0.02, high: 0.01 }, 0.1)).toBeGreaterThan(0.1);
    expect(reachOf({ low: -0.5, high: 0.01 }, 0.1)).toBeGreaterThan(0.5);
  });

  it("has words below some periods, the last one always", () => {
    expect(someOf(13, 5)).toEqual([0, 3, 6, 9, 12]);
    expect(someOf(30, 5)).toEqual([5, 11, 17, 23, 29]);
    expect(someOf(1, 5)).toEqual([0]);
  });
});
