/** What an image shows, in a word and a colour, and why there is no finding where there is none. */

import { findings } from "../texts/findings";
import { useFormat, useText } from "../texts/useText";
import type { ImageRow } from "./imageRow";

type Shown = Pick<NonNullable<ImageRow["prediction"]>, "finding" | "abstained" | "probability">;

/** The badge of a prediction. */
export function FindingBadge({ prediction }: { prediction: Shown }) {
  const text = useText(findings);
  const { finding } = prediction;
  if (finding) return <span className={`finding finding-${finding.toLowerCase()}`}>{text[finding]}</span>;
  return <span className="finding finding-none">{text.none}</span>;
}

/** All that a line has room for: the badge, the probability or the reason, or how far the image is. */
export function FindingOf({ image }: { image: Pick<ImageRow, "prediction" | "predictionState"> }) {
  const text = useText(findings);
  const { percent } = useFormat();
  const { prediction } = image;
  if (!prediction)
    return (
      <span className="text-body-secondary">
        {image.predictionState === "FAILED" ? text.failed : text.pending}
      </span>
    );
  return (
    <span className="finding-line">
      <FindingBadge prediction={prediction} />
      <span className="small text-body-secondary">
        {prediction.abstained ? text.abstained[prediction.abstained] : percent(prediction.probability)}
      </span>
    </span>
  );
}

/** The ground truth that counts, with what it rests on. */
export function TruthOf({ image }: { image: Pick<ImageRow, "label" | "labelConflict"> }) {
  const text = useText(findings);
  if (!image.label) return <span className="text-body-secondary">{text.unlabelled}</span>;
  return (
    <span className="finding-line">
      <span className={`finding finding-${image.label.finding.toLowerCase()} is-truth`}>
        {text[image.label.finding]}
      </span>
      <span className="small text-body-secondary">
        {image.labelConflict ? text.conflict : text.evidence[image.label.evidence]}
      </span>
    </span>
  );
}
