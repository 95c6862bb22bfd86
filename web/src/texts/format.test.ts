import { describe, expect, it } from "vitest";
import { FORMATS } from "./format";

describe("format", () => {
  it("writes shares with the comma or the point of the language", () => {
    expect(FORMATS.en.percent(0.9126)).toBe("91.3\u00a0%");
    expect(FORMATS.es.percent(0.9126)).toBe("91,3\u00a0%");
  });

  it("writes dates in the words of the language", () => {
    expect(FORMATS.en.date("2026-11-23T12:00:00Z")).toBe("23 November 2026");
    expect(FORMATS.es.date("2026-11-23T12:00:00Z")).toBe("23 de noviembre de 2026");
  });

  it("writes days in short, as UTC has them", () => {
    expect(FORMATS.en.day("2026-11-23T00:00:00Z")).toBe("23 Nov");
    expect(FORMATS.es.day("2026-11-23T23:59:59Z")).toBe("23 nov");
  });

  it("measures files", () => {
    expect(FORMATS.es.size(3.4 * 2 ** 20)).toBe("3,4 MB");
    expect(FORMATS.en.size(1)).toBe("1 kB");
  });

  it("joins names as a sentence does", () => {
    expect(FORMATS.en.list(["A", "B", "C"])).toBe("A, B and C");
    expect(FORMATS.es.list(["A", "B", "C"])).toBe("A, B y C");
  });
});
