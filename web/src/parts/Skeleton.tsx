/** The shape of what is being loaded. */

import { common } from "../texts/common";
import { useText } from "../texts/useText";

interface Props {
  /** What is being loaded, for screen readers; the page where left out. */
  what?: string;
}

export function Skeleton({ what }: Props) {
  const text = useText(common);
  return (
    <p className="placeholder-glow" role="status">
      <span className="visually-hidden">{text.loading(what ?? text.page)}</span>
      <span className="placeholder col-9" aria-hidden="true" />
      <span className="placeholder col-6" aria-hidden="true" />
      <span className="placeholder col-8" aria-hidden="true" />
    </p>
  );
}
