/** The choices of a label: what an image shows, and what that rests on. */

import { useId } from "react";
import { examine } from "../texts/examine";
import { findings } from "../texts/findings";
import { useText } from "../texts/useText";
import type { ImageRow } from "./imageRow";

type Label = NonNullable<ImageRow["label"]>;
export type Finding = Label["finding"];
export type Evidence = Label["evidence"];

export const FINDINGS: readonly Finding[] = ["COVID", "NO_COVID"];
const EVIDENCE: readonly Evidence[] = ["RT_PCR", "ANTIGEN", "CT", "RADIOLOGIST", "CLINICAL", "UNSTATED"];

interface Props<Value> {
  label: string;
  /** Whether the label is for screen readers alone, since what stands around says it. */
  isLabelHidden?: boolean;
  value: Value;
  onChange: (value: Value) => void;
  isDisabled?: boolean;
}

export function FindingChoice({ label, isLabelHidden, value, onChange, isDisabled }: Props<Finding | null>) {
  const id = useId();
  const text = useText(findings);
  const words = useText(examine);
  return (
    <div>
      <label className={isLabelHidden ? "visually-hidden" : "form-label"} htmlFor={id}>
        {label}
      </label>
      <select
        id={id}
        className={isLabelHidden ? "form-select form-select-sm" : "form-select"}
        value={value ?? ""}
        disabled={isDisabled}
        onChange={(event) => onChange((event.target.value || null) as Finding | null)}
      >
        <option value="">{words.label.none}</option>
        {FINDINGS.map((finding) => (
          <option value={finding} key={finding}>
            {text[finding]}
          </option>
        ))}
      </select>
    </div>
  );
}

export function EvidenceChoice({ label, isLabelHidden, value, onChange, isDisabled }: Props<Evidence>) {
  const id = useId();
  const text = useText(findings);
  return (
    <div>
      <label className={isLabelHidden ? "visually-hidden" : "form-label"} htmlFor={id}>
        {label}
      </label>
      <select
        id={id}
        className={isLabelHidden ? "form-select form-select-sm" : "form-select"}
        value={value}
        disabled={isDisabled}
        onChange={(event) => onChange(event.target.value as Evidence)}
      >
        {EVIDENCE.map((evidence) => (
          <option value={evidence} key={evidence}>
            {text.evidence[evidence]}
          </option>
        ))}
      </select>
    </div>
  );
}
