import { describe, expect, it } from "vitest";
import { sentence } from "./sentence";

describe("sentence", () => {
  it("begins in upper case and ends with a stop", () => {
    expect(sentence("this link has expired")).toBe("This link has expired.");
    expect(sentence("Too short!")).toBe("Too short!");
    expect(sentence("")).toBe("");
  });
});
