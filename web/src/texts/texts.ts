/** A set of texts in each language. The compiler, and texts.test.ts, see to it that none is missing in either. */

import type { Language } from "./language";

/** What a set looks like, whatever it says. */
type Shape<T> = T extends string
  ? string
  : T extends (...given: infer Given) => string
    ? (...given: Given) => string
    : { [Key in keyof T]: Shape<T[Key]> };

export type Texts<T> = Record<Language, Shape<T>>;

/** English gives the keys, and Spanish has to have the same. */
export function texts<T>(both: { en: T; es: Shape<NoInfer<T>> }): Texts<T> {
  return both as Texts<T>;
}
