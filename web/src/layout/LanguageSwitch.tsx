/** Switches between the languages, each named in itself. */

import { LANGUAGES, type Language } from "../texts/language";
import { useLanguage } from "../texts/useText";

const NAMES: Record<Language, string> = { en: "English", es: "Español" };

export function LanguageSwitch() {
  const { language, speak } = useLanguage();
  return (
    <div className="language-switch">
      {LANGUAGES.map((one) => (
        <button
          type="button"
          className="btn btn-sm btn-link"
          lang={one}
          aria-pressed={one === language}
          onClick={() => speak(one)}
          key={one}
        >
          {NAMES[one]}
        </button>
      ))}
    </div>
  );
}
