/** What went wrong, and the way on. */

import type { Failure } from "../graphql/failure";
import { common } from "../texts/common";
import { useFailureWords } from "../texts/useProblems";
import { useText } from "../texts/useText";

interface Props {
  failure: Failure;
  /** What could not be done. */
  lead?: string;
  retry?: () => void;
}

export function FailureNote({ failure, lead, retry }: Props) {
  const text = useText(common);
  const inWords = useFailureWords();
  return (
    <div className="alert alert-danger" role="alert">
      <p className={retry ? "mb-2" : "mb-0"}>
        {lead && <strong>{lead} </strong>}
        {inWords(failure)}
      </p>
      {retry && (
        <button type="button" className="btn btn-sm btn-outline-danger" onClick={retry}>
          {text.tryAgain}
        </button>
      )}
    </div>
  );
}
