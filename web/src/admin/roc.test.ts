import { describe, expect, it } from "vitest";
import { sensitivityAt } from "./roc";

const CURVE = [
  { specificity: 1, sensitivity: 0 },
  { specificity: 1, sensitivity: 0.4 },
  { specificity: 0.9, sensitivity: 0.4 },
  { specificity: 0.9, sensitivity: 0.7 },
  { specificity: 0, sensitivity: 1 },
];

describe("an ROC curve", () => {
  it("tells what is reached with as large a specificity", () => {
    expect(sensitivityAt(CURVE, 0.95)).toBe(0.4);
    expect(sensitivityAt(CURVE, 0.9)).toBe(0.7);
    expect(sensitivityAt(CURVE, 0)).toBe(1);
  });

  it("promises nothing between two of its points", () => {
    expect(sensitivityAt(CURVE, 0.5)).toBe(0.7);
  });
});
