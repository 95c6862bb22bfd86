/** One signal of drift: what it is now, what it was, and whether the difference is of consequence. */

import { drift as texts } from "../texts/drift";
import { useFormat, useText } from "../texts/useText";
import { scale } from "./curve";
import { type Comparison, isShare, reachOf, type Signal } from "./drift";

/** Values of a signal, and differences of it, in words. */
export function useSignalWords() {
  const { number, percent } = useFormat();
  const value = (signal: Signal, of: number) => (isShare(signal) ? percent(of) : number(round(of)));
  return {
    value,
    signed: (signal: Signal, of: number) => `${of < 0 ? "−" : "+"}${value(signal, Math.abs(of))}`,
  };
}

function round(value: number): number {
  return Math.round(100 * value) / 100;
}

export function SignalCard({ comparison }: { comparison: Comparison }) {
  const text = useText(texts);
  const { number } = useFormat();
  const { value } = useSignalWords();
  const { signal, lastMonth, reference, images, difference, differs } = comparison;
  const shown = (of: number | null) => (of === null ? text.nothing : value(signal, of));
  return (
    <section className="card h-100">
      <div className="card-body">
        <h3 className="h6">
          {text.signal[signal]}{" "}
          <span className={differs ? "badge-state is-differing" : "badge-state"}>
            {difference === null ? text.tooFew : differs ? text.differs : text.same}
          </span>
        </h3>
        <p className="mb-1">{text.now(shown(lastMonth), number(images))}</p>
        <p className="mb-2">{text.judged(shown(reference))}</p>
        <Comparing comparison={comparison} />
      </div>
    </section>
  );
}

/** The difference in words, and what it may mean where it is of consequence. */
export function Comparing({ comparison }: { comparison: Comparison }) {
  const text = useText(texts);
  const { number } = useFormat();
  const { value, signed } = useSignalWords();
  const { signal, difference, margin, images, imagesNeeded, differs } = comparison;
  if (difference === null) {
    return (
      <p className="small text-body-secondary mb-0">{text.needed(number(images), number(imagesNeeded))}</p>
    );
  }
  const [of, low, high] = [difference.value, difference.low, difference.high].map((one) =>
    signed(signal, one),
  ) as [string, string, string];
  return (
    <>
      <IntervalDrawing
        difference={difference}
        margin={margin}
        words={text.intervalWords(low, high, value(signal, margin))}
      />
      <p className="small mb-1">{text.difference(of, low, high, value(signal, margin))}</p>
      {differs && (
        <p className="small mb-0">
          {text.meaning[`${signal}_${difference.value > 0 ? "MORE" : "LESS"}` as const]}
        </p>
      )}
    </>
  );
}

interface DrawingProps {
  difference: { value: number; low: number; high: number };
  margin: number;
  words: string;
}

function IntervalDrawing({ difference, margin, words }: DrawingProps) {
  const reach = reachOf(difference, margin);
  const x = scale(-reach, reach, 0, 200);
  return (
    <svg className="interval-drawing" viewBox="0 0 200 24" role="img" aria-label={words}>
      <rect className="margin-band" x={x(-margin)} y="2" width={x(margin) - x(-margin)} height="20" />
      <line className="zero" x1={x(0)} x2={x(0)} y1="0" y2="24" />
      <line className="interval" x1={x(difference.low)} x2={x(difference.high)} y1="12" y2="12" />
      <circle className="value" cx={x(difference.value)} cy="12" r="4" />
    </svg>
  );
}
