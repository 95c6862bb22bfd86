/** Every text is there in both languages. */

import { describe, expect, it } from "vitest";

const modules = import.meta.glob<Record<string, unknown>>("./*.ts", { eager: true });

/** The texts of a set by their paths: "form.email". */
function flat(set: unknown, path = ""): Map<string, unknown> {
  if (typeof set !== "object" || set === null) return new Map([[path, set]]);
  return new Map(
    Object.entries(set).flatMap(([key, value]) => [...flat(value, path ? `${path}.${key}` : key)]),
  );
}

const sets = Object.entries(modules).flatMap(([file, exports]) =>
  Object.entries(exports)
    .filter(([, value]) => typeof value === "object" && value !== null && "en" in value && "es" in value)
    .map(([name, value]) => ({ set: `${file} ${name}`, value: value as { en: unknown; es: unknown } })),
);

/** Words that are the same in both. */
const ALIKE =
  /^(COVID-XR|GraphiQL|COVID|AUC|DICOM|RT-PCR|VGG16|Error|Grad-CAM|[\d\s%–—·.,:;()/+-]*|Español|English|Normal|No|.{1,2})$/;

describe("the texts", () => {
  it("are found", () => {
    expect(sets.length).toBeGreaterThan(3);
  });

  it.each(sets)("of $set are there in both languages", ({ value }) => {
    const [english, spanish] = [flat(value.en), flat(value.es)];
    expect([...spanish.keys()].sort()).toEqual([...english.keys()].sort());
    for (const [key, text] of [...english, ...spanish]) {
      expect(typeof text === "function" || (typeof text === "string" && text.trim() !== ""), key).toBe(true);
    }
  });

  it.each(sets)("of $set are translated", ({ value }) => {
    const spanish = flat(value.es);
    const same = [...flat(value.en)].filter(
      ([key, text]) => typeof text === "string" && text === spanish.get(key) && !ALIKE.test(text),
    );
    expect(same).toEqual([]);
  });

  it.each(sets)("of $set take the same arguments", ({ value }) => {
    const taken = (set: unknown) =>
      [...flat(set)].map(([key, text]) => [key, typeof text === "function" ? text.length : null]).sort();
    expect(taken(value.es)).toEqual(taken(value.en));
  });
});
