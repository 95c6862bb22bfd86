/** The warning that goes with every finding. */

import { common } from "../texts/common";
import { useText } from "../texts/useText";

export function ResearchWarning() {
  const text = useText(common);
  return (
    <div className="alert alert-warning mb-0" role="note">
      <strong>{text.researchOnly}</strong> {text.researchWarning}
    </div>
  );
}

/** The same in a line, for places where findings are many. */
export function ResearchOnly() {
  const text = useText(common);
  return <p className="research-only">{text.researchOnly}</p>;
}
