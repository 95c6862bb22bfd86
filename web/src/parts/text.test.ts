import { describe, expect, it } from "vitest";
import { excerpt, listed, readable, sentence } from "./text";

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

describe("readable", () => {
  it("keeps the lines, the bullets and the addresses", () => {
    const markdown =
      "# Model 2\r\n\n\n\n- **better** on [site B](https://b.example)\n* `AUC` 0.97\n\n> said ![Ana](a.png)";
    expect(readable(markdown)).toBe(
      "Model 2\n\n• better on site B (https://b.example)\n• AUC 0.97\n\nsaid Ana",
    );
  });

  it("leaves plain text alone", () => {
    expect(readable("one - two\n3. three * 4")).toBe("one - two\n3. three * 4");
  });
});

describe("sentence", () => {
  it("begins in upper case and ends with a stop", () => {
    expect(sentence("this link has expired")).toBe("This link has expired.");
    expect(sentence("Too short!")).toBe("Too short!");
    expect(sentence("")).toBe("");
  });
});

describe("listed", () => {
  it("joins names as a sentence does", () => {
    expect(listed(["A"])).toBe("A");
    expect(listed(["A", "B"])).toBe("A and B");
    expect(listed(["A", "B", "C"])).toBe("A, B and C");
  });
});
