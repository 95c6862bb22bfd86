/** What the server says in a sentence: in Spanish where we know how to say it, and otherwise marked as English. */

import { told } from "../texts/told";
import { useLanguage } from "../texts/useText";

export function Told({ children }: { children: string }) {
  const { language } = useLanguage();
  const said = told(children, language);
  return <span lang={said.language}>{said.words}</span>;
}
