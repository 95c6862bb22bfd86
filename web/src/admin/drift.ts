/** What is asked of drift, and what of it is drawn. */

import { graphql, type ResultOf } from "../graphql/graphql";

export const DRIFT = graphql(`query Drift($by: DriftStep, $periods: Int) {
  drift(by: $by, periods: $periods) {
    model { number }
    reference { abstentions agreement meanProbability meanDistance }
    signals {
      signal differs images imagesNeeded lastMonth reference margin
      difference { value low high }
    }
    warnings { since comparison { signal differs images imagesNeeded lastMonth reference margin difference { value low high } } }
    series { begin end figures { images abstentions agreement meanProbability meanDistance } }
  }
}`);

export type Drift = ResultOf<typeof DRIFT>["drift"];
export type Comparison = Drift["signals"][number];
export type Signal = Comparison["signal"];
type Figures = Drift["series"][number]["figures"];

export const SIGNALS: readonly Signal[] = ["ABSTENTIONS", "PROBABILITY", "DISTANCE", "AGREEMENT"];

/** What a signal is of some images. */
export function figureOf(
  signal: Signal,
  figures: Pick<Figures, "abstentions" | "agreement" | "meanProbability" | "meanDistance">,
): number | null {
  switch (signal) {
    case "ABSTENTIONS":
      return figures.abstentions;
    case "PROBABILITY":
      return figures.meanProbability;
    case "DISTANCE":
      return figures.meanDistance;
    case "AGREEMENT":
      return figures.agreement;
  }
}

/** Distances are no shares; all else is. */
export function isShare(signal: Signal): boolean {
  return signal !== "DISTANCE";
}

/** How far the drawing of an interval reaches on both sides of zero: margin and interval are within. */
export function reachOf({ low, high }: { low: number; high: number }, margin: number): number {
  return 1.15 * Math.max(Math.abs(low), Math.abs(high), margin);
}

/** Some of the places, the last among them, so that words below a chart do not meet. */
export function someOf(count: number, most: number): number[] {
  const step = Math.max(Math.ceil(count / most), 1);
  return Array.from({ length: count }, (_, place) => place).filter(
    (place) => (count - 1 - place) % step === 0,
  );
}
