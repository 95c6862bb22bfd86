/** A probability on a line from 0 to 100 %, with the threshold and the band in which the model says nothing. */

import { findings } from "../texts/findings";
import { useFormat, useText } from "../texts/useText";

interface Props {
  probability: number;
  threshold: number | null;
  band: { low: number; high: number } | null;
}

const WIDTH = 400;
const TOP = 28;
const THICK = 16;

export function ProbabilityScale({ probability, threshold, band }: Props) {
  const text = useText(findings);
  const { percent } = useFormat();
  const x = (share: number) => WIDTH * share;
  const words = [
    text.probabilityIs(percent(probability)),
    threshold !== null ? text.threshold(percent(threshold)) : null,
    band ? text.band(percent(band.low), percent(band.high)) : null,
  ].filter((one) => one !== null);
  return (
    <figure className="mb-0">
      <svg className="scale" viewBox={`-14 0 ${WIDTH + 28} 66`} role="img" aria-label={words.join(" ")}>
        <rect className="scale-low" x="0" y={TOP} width={x(threshold ?? 0.5)} height={THICK} />
        <rect
          className="scale-high"
          x={x(threshold ?? 0.5)}
          y={TOP}
          width={WIDTH - x(threshold ?? 0.5)}
          height={THICK}
        />
        {band && (
          <rect
            className="scale-band"
            x={x(band.low)}
            y={TOP}
            width={Math.max(x(band.high - band.low), 1)}
            height={THICK}
          />
        )}
        {threshold !== null && (
          <line
            className="scale-threshold"
            x1={x(threshold)}
            x2={x(threshold)}
            y1={TOP - 4}
            y2={TOP + THICK + 4}
          />
        )}
        <path
          className="scale-marker"
          d={`M${x(probability)} ${TOP - 2}l-6 -10h12zM${x(probability) - 1} ${TOP - 4}h2v${THICK + 8}h-2z`}
        />
        <text x={clamp(x(probability))} y="10">
          {percent(probability)}
        </text>
        {[0, 0.25, 0.5, 0.75, 1].map((share) => (
          <text x={x(share)} y={TOP + THICK + 18} key={share}>
            {100 * share}
          </text>
        ))}
      </svg>
      <figcaption className="small text-body-secondary">
        {words.slice(1).map((one) => (
          <span key={one}>{one} </span>
        ))}
      </figcaption>
    </figure>
  );
}

/** The number stays on the drawing, however near the end its place is. */
function clamp(x: number): number {
  return Math.min(Math.max(x, 10), WIDTH - 10);
}
