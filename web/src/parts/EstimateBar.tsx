/** One estimate: its name, its value in words, and its interval drawn on a line from 0 to 100 %. */

import { type Estimate, useEstimateWords } from "./estimate";

interface Props {
  name: string;
  /** What the number says, in a few words. */
  hint: string;
  estimate: Estimate;
}

export function EstimateBar({ name, hint, estimate }: Props) {
  const inWords = useEstimateWords();
  const { value, low, high } = estimate;
  return (
    <div className="estimate">
      <dt>
        {name} <span className="fw-normal text-body-secondary small">{hint}</span>
      </dt>
      <dd>
        <span className="estimate-value">{inWords(estimate)}</span>
        <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
          <rect className="track" x="0" y="2" width="100" height="2" rx="1" />
          <rect
            className="interval"
            x={100 * low}
            y="1"
            width={100 * Math.max(high - low, 0.004)}
            height="4"
          />
          <rect className="value" x={100 * Math.max(value - 0.004, 0)} y="0" width="0.8" height="6" />
        </svg>
      </dd>
    </div>
  );
}
