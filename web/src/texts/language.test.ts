import { describe, expect, it } from "vitest";
import { firstLanguage, remember } from "./language";

function storeWith(items = new Map<string, string>()) {
  return {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
  };
}

describe("the language", () => {
  it("is the first of the browser's that we speak", () => {
    expect(firstLanguage(storeWith(), ["pt-BR", "es-AR", "en"])).toBe("es");
    expect(firstLanguage(storeWith(), ["EN-gb"])).toBe("en");
  });

  it("is English where we speak none of them", () => {
    expect(firstLanguage(storeWith(), ["fr"])).toBe("en");
    expect(firstLanguage(storeWith(), [])).toBe("en");
  });

  it("is the one that was chosen here", () => {
    const store = storeWith();
    remember("es", store);
    expect(firstLanguage(store, ["en"])).toBe("es");
  });

  it("pays no heed to what else may lie there", () => {
    expect(firstLanguage(storeWith(new Map([["covidxr-language", "xx"]])), ["es"])).toBe("es");
  });
});
