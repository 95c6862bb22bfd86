/** An estimated share, 0 to 1, with its 95 % interval. */

export interface Estimate {
  value: number;
  low: number;
  high: number;
}

export const percent = (share: number): string => (100 * share).toFixed(1);

/** "91.2 % (84.0 to 96.1)". */
export function inWords({ value, low, high }: Estimate): string {
  return `${percent(value)} % (${percent(low)} to ${percent(high)})`;
}
