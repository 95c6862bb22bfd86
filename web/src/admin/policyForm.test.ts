import { describe, expect, it } from "vitest";
import { changesOf, differences, numberOf, type Policy } from "./policyForm";

const POLICY: Policy = {
  threshold: 50,
  minutesBetween: 0,
  labelsPerClass: 0,
  sensitivityMargin: 0.05,
  specificityMargin: 0.05,
  aucMargin: 0.02,
  sharePerUser: 1,
};

const typed = (changed: Record<string, string>) => (name: string) =>
  changed[name] ?? String(POLICY[name as keyof Policy]);

describe("a number that was typed", () => {
  it("has a point or a comma", () => {
    expect(["0.05", "0,05", " 7 ", "10"].map(numberOf)).toEqual([0.05, 0.05, 7, 10]);
  });

  it("is nothing else", () => {
    expect(["", "x", "-1", "1e3", "1.2.3", ".5"].map(numberOf)).toEqual([null, null, null, null, null, null]);
  });
});

describe("the form of the policy", () => {
  it("sends what has changed alone", () => {
    const { changes, problems } = changesOf(POLICY, typed({ threshold: "20", aucMargin: "0,03" }));
    expect(changes).toEqual({ threshold: 20, aucMargin: 0.03 });
    expect(problems).toEqual([]);
  });

  it("tells what is no number at its field, and what is half a label", () => {
    const { problems } = changesOf(POLICY, typed({ aucMargin: "little", threshold: "1.5" }));
    expect(problems.map(({ path }) => path)).toEqual([
      ["input", "threshold"],
      ["input", "aucMargin"],
    ]);
  });

  it("says in what two policies differ", () => {
    expect(differences({ ...POLICY, threshold: 20 }, POLICY)).toEqual(["threshold"]);
  });
});
