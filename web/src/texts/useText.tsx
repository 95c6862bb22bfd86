/** The texts of the reader's language, and the switch between languages. */

import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import { FORMATS, type Format } from "./format";
import { firstLanguage, type Language, remember } from "./language";
import type { Texts } from "./texts";

interface Speaking {
  language: Language;
  speak: (language: Language) => void;
}

const SpeakingContext = createContext<Speaking>({ language: "en", speak: () => {} });

/** Speaks one language to all pages below, and says so to the browser. */
export function Spoken({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState(() => firstLanguage(window.localStorage, navigator.languages));
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  const speaking = useMemo(() => {
    const speak = (chosen: Language) => {
      remember(chosen, window.localStorage);
      setLanguage(chosen);
    };
    return { language, speak };
  }, [language]);
  return <SpeakingContext value={speaking}>{children}</SpeakingContext>;
}

export function useLanguage(): Speaking {
  return useContext(SpeakingContext);
}

/** The reader's language's texts of a set. */
export function useText<T>(set: Texts<T>): Texts<T>[Language] {
  return set[useLanguage().language];
}

export function useFormat(): Format {
  return FORMATS[useLanguage().language];
}
