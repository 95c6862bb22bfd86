/** An estimated share, 0 to 1, with its 95 % interval. */

import { home } from "../texts/home";
import { useFormat, useText } from "../texts/useText";

export interface Estimate {
  value: number;
  low: number;
  high: number;
}

/** Estimates as "91.2 % (84.0 % to 96.1 %)", in the reader's language. */
export function useEstimateWords(): (estimate: Estimate) => string {
  const text = useText(home);
  const { percent } = useFormat();
  return ({ value, low, high }) => text.estimate(percent(value), percent(low), percent(high));
}
