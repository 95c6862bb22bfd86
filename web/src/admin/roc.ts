/** An ROC curve in numbers. */

export interface RocPoint {
  specificity: number;
  sensitivity: number;
}

/** At which specificities the table tells the sensitivity. */
export const SPECIFICITIES = [0.99, 0.95, 0.9, 0.8, 0.7, 0.5];

/** The largest sensitivity that some threshold reaches with at least this specificity. */
export function sensitivityAt(curve: readonly RocPoint[], specificity: number): number {
  return Math.max(
    0,
    ...curve.filter((point) => point.specificity >= specificity).map(({ sensitivity }) => sensitivity),
  );
}
