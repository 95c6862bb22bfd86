/** Lets keyboards go past the menu. */

import { common } from "../texts/common";
import { useText } from "../texts/useText";

export function SkipLink() {
  const text = useText(common);
  return (
    <a className="visually-hidden-focusable skip-link" href="#main">
      {text.skip}
    </a>
  );
}
