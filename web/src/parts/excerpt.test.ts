import { describe, expect, it } from "vitest";
import { excerpt } from "./excerpt";

describe("excerpt", () => {
  it("drops the markup and keeps the words", () => {
    const markdown = "# Model 2\n\n- **better** on [site B](https://b.example)\n- `AUC` 0.97";
    expect(excerpt(markdown)).toBe("Model 2 better on site B AUC 0.97");
  });

  it("leaves snake_case and sums alone", () => {
    expect(excerpt("patient_ref is 2 * 3")).toBe("patient_ref is 2 * 3");
  });

  it("cuts between words", () => {
    expect(excerpt("one two three", 9)).toBe("one two …");
    expect(excerpt("one two", 7)).toBe("one two");
  });

  it("cuts a text without spaces all the same", () => {
    expect(excerpt("abcdef", 3)).toBe("abc …");
  });
});
