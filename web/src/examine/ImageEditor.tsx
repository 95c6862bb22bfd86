/** Changes what is known of an image: its name, its patient, and what it shows in truth. */

import { useState } from "react";
import { Field } from "../forms/Field";
import { Form } from "../forms/Form";
import { graphql } from "../graphql/graphql";
import { useMutate } from "../graphql/useMutate";
import { IMAGE_ROW, type ImageRow } from "../images/imageRow";
import { type Evidence, EvidenceChoice, type Finding, FindingChoice } from "../images/labelChoices";
import { examine } from "../texts/examine";
import { useText } from "../texts/useText";
import { toasts } from "../toasts/toasts";

const UPDATE = graphql(
  `mutation UpdateImage($input: UpdateImageInput!) {
  updateImage(input: $input) { image { ...ImageRow } errors { code message path } }
}`,
  [IMAGE_ROW],
);

export const LABEL = graphql(
  `mutation SubmitLabel($input: SubmitLabelInput!) {
  submitLabel(input: $input) {
    label { id image { ...ImageRow } }
    retraining { newLabels threshold }
    errors { code message path }
  }
}`,
  [IMAGE_ROW],
);

interface Props {
  row: ImageRow;
  changed: (row: ImageRow) => void;
}

export function ImageEditor({ row, changed }: Props) {
  return (
    <div className="image-editor">
      <NameForm row={row} changed={changed} />
      <LabelForm row={row} changed={changed} />
    </div>
  );
}

function NameForm({ row, changed }: Props) {
  const text = useText(examine).edit;
  const [update] = useMutate(UPDATE);
  return (
    <Form
      action={text.save}
      send={(value) =>
        update({
          input: { id: row.id, filename: value("filename"), patientRef: value("patientRef") || null },
        })
      }
      done={({ image }) => {
        if (image) changed(image);
        toasts.show({ message: text.saved, tone: "done" });
      }}
    >
      <Field name="filename" label={text.filename} defaultValue={row.filename} required />
      <Field name="patientRef" label={text.patient} defaultValue={row.patientRef ?? ""} maxLength={100} />
    </Form>
  );
}

/** One more label; the ledger keeps the others. */
function LabelForm({ row, changed }: Props) {
  const text = useText(examine);
  const [submit] = useMutate(LABEL);
  const [finding, setFinding] = useState<Finding | null>(null);
  const [evidence, setEvidence] = useState<Evidence>("RT_PCR");
  return (
    <Form
      action={text.edit.submit}
      send={async () =>
        finding
          ? submit({ input: { imageId: row.id, finding, evidence } })
          : {
              status: "refused",
              problems: [{ code: "REQUIRED", message: text.edit.truthNeeded, path: null }],
            }
      }
      done={({ label }) => {
        if (label) changed(label.image);
        setFinding(null);
        toasts.show({ message: text.edit.labelled(row.filename), tone: "done" });
      }}
    >
      <div className="mb-3">
        <FindingChoice label={text.upload.label} value={finding} onChange={setFinding} />
      </div>
      <div className="mb-3">
        <EvidenceChoice label={text.upload.evidence} value={evidence} onChange={setEvidence} />
        <div className="form-text">{text.edit.labelHint}</div>
      </div>
    </Form>
  );
}
