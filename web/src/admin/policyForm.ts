/** The form of the policy of retraining: what was typed, as the numbers that are to change. */

import type { Problem } from "../graphql/useMutate";

export interface Policy {
  threshold: number;
  minutesBetween: number;
  labelsPerClass: number;
  sensitivityMargin: number;
  specificityMargin: number;
  aucMargin: number;
  sharePerUser: number;
}

export type PolicyField = keyof Policy;

/** In the order of the form; those that are counts take no fractions. */
export const POLICY_FIELDS: { name: PolicyField; isCount: boolean }[] = [
  { name: "threshold", isCount: true },
  { name: "minutesBetween", isCount: true },
  { name: "labelsPerClass", isCount: true },
  { name: "sharePerUser", isCount: false },
  { name: "sensitivityMargin", isCount: false },
  { name: "specificityMargin", isCount: false },
  { name: "aucMargin", isCount: false },
];

/** A number with a point or a comma for its fraction; null of anything else. */
export function numberOf(typed: string): number | null {
  const plain = typed.trim().replace(",", ".");
  return /^\d+(\.\d+)?$/.test(plain) ? Number(plain) : null;
}

/** What is to change, or what stands in the way. */
export function changesOf(policy: Policy, typed: (name: string) => string) {
  const changes: Partial<Policy> = {};
  const problems: Problem[] = [];
  for (const { name, isCount } of POLICY_FIELDS) {
    const value = numberOf(typed(name));
    if (value === null || (isCount && !Number.isInteger(value)))
      problems.push({
        code: "INVALID",
        message: "this is no number of the kind needed",
        path: ["input", name],
      });
    else if (value !== policy[name]) changes[name] = value;
  }
  return { changes, problems };
}

/** The fields in which two policies differ. */
export function differences(policy: Policy, before: Policy): PolicyField[] {
  return POLICY_FIELDS.map(({ name }) => name).filter((name) => policy[name] !== before[name]);
}
