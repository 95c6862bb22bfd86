/** The language of the pages: chosen by hand and remembered, or else the browser's. */

export type Language = "en" | "es";
export const LANGUAGES: readonly Language[] = ["es", "en"];

const KEY = "covidxr-language";

type Store = Pick<Storage, "getItem" | "setItem">;

function isLanguage(text: unknown): text is Language {
  return text === "en" || text === "es";
}

/** The language that was chosen here before, or the first of the browser's that we speak; English otherwise. */
export function firstLanguage(store: Store, preferred: readonly string[]): Language {
  const chosen = store.getItem(KEY);
  if (isLanguage(chosen)) return chosen;
  return preferred.map((tag) => tag.slice(0, 2).toLowerCase()).find(isLanguage) ?? "en";
}

export function remember(language: Language, store: Store): void {
  store.setItem(KEY, language);
}
