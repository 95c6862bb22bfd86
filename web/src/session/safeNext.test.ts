import { describe, expect, it } from "vitest";
import { safeNext } from "./safeNext";

describe("safeNext", () => {
  it("goes on to a page of ours", () => {
    expect(safeNext("/examine/abc")).toBe("/examine/abc");
  });

  it.each([null, "", "https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"])(
    "goes nowhere else: %s",
    (next) => {
      expect(safeNext(next)).toBe("/examine");
    },
  );
});
