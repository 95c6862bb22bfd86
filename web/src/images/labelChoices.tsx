/** The choices of a label: what an image shows, and what that rests on. */

import { Choice } from "../forms/Choice";
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
  isLabelHidden?: boolean;
  value: Value;
  onChange: (value: Value) => void;
  isDisabled?: boolean;
}

export function FindingChoice({ value, onChange, ...others }: Props<Finding | null>) {
  const text = useText(findings);
  const words = useText(examine);
  return (
    <Choice<Finding | "">
      {...others}
      value={value ?? ""}
      options={[["", words.label.none], ...FINDINGS.map((finding) => [finding, text[finding]] as const)]}
      onChange={(chosen) => onChange(chosen || null)}
    />
  );
}

export function EvidenceChoice(props: Props<Evidence>) {
  const text = useText(findings);
  return <Choice {...props} options={EVIDENCE.map((one) => [one, text.evidence[one]])} />;
}
