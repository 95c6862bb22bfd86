/** One file on its way: its preview, what is said of it, how far it is, and what went wrong with it. */

import { useEffect, useState } from "react";
import { Link } from "wouter";
import { FindingOf } from "../images/FindingBadge";
import { pageOf } from "../images/imageRow";
import { type Evidence, EvidenceChoice, type Finding, FindingChoice } from "../images/labelChoices";
import { examine } from "../texts/examine";
import { useFailureWords, useProblemWords } from "../texts/useProblems";
import { useFormat, useText } from "../texts/useText";
import { detailsOf, type Upload, uploads } from "./uploads";

/** What browsers show by themselves. */
const PREVIEWED = ["image/png", "image/jpeg", "image/webp", "image/bmp"];

interface Props {
  upload: Upload;
  again: () => void;
}

export function UploadItem({ upload, again }: Props) {
  const { size } = useFormat();
  const { file, state } = upload;
  return (
    <li className="upload-item">
      <Preview file={file} />
      <div className="upload-about">
        <p className="mb-0 text-break">
          {file.name} <span className="small text-body-secondary">{size(file.size)}</span>
        </p>
        <Progress upload={upload} />
        {state.name === "chosen" && <Details upload={upload} />}
      </div>
      <Buttons upload={upload} again={again} />
    </li>
  );
}

function Preview({ file }: { file: File }) {
  const text = useText(examine).upload;
  const [address, setAddress] = useState<string | null>(null);
  useEffect(() => {
    if (!PREVIEWED.includes(file.type)) return;
    const made = URL.createObjectURL(file);
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  // What says that it is a picture need not be one.
  if (address)
    return <img className="upload-preview" src={address} alt="" onError={() => setAddress(null)} />;
  return (
    <span className="upload-preview small text-body-secondary">
      {/\.(dcm|dicom)$/i.test(file.name) ? "DICOM" : text.noPreview}
    </span>
  );
}

function Progress({ upload: { file, state } }: { upload: Upload }) {
  const text = useText(examine).upload;
  const failureInWords = useFailureWords();
  const problemInWords = useProblemWords();
  switch (state.name) {
    case "sending":
      return (
        <p className="mb-0 small">
          <progress className="upload-progress" aria-label={text.progress(file.name)} value={state.share} />{" "}
          {state.share < 1 ? text.state.sending : text.state.reading}
        </p>
      );
    case "refused":
      return (
        <p className="mb-0 small text-danger-emphasis" role="alert">
          {state.problems.map(problemInWords).join(" ")}
        </p>
      );
    case "failed":
      return (
        <p className="mb-0 small text-danger-emphasis" role="alert">
          {failureInWords(state.failure)}
        </p>
      );
    case "stored":
    case "repeated":
      return (
        <p className="mb-0 small">
          {text.state[state.name]} · <Link href={pageOf(state.image.id)}>{state.image.filename}</Link>{" "}
          {state.name === "repeated" && <FindingOf image={state.image} />}
        </p>
      );
    default:
      return <p className="mb-0 small text-body-secondary">{text.state[state.name]}</p>;
  }
}

function Details({ upload: { id, file, details } }: { upload: Upload }) {
  const text = useText(examine).upload;
  const label = (details.label ?? null) as Finding | null;
  const evidence = (details.evidence ?? "UNSTATED") as Evidence;
  return (
    <div className="upload-details">
      <FindingChoice
        label={text.labelOf(file.name)}
        isLabelHidden
        value={label}
        onChange={(finding) => uploads.describe(detailsOf(finding, evidence), id)}
      />
      {label && (
        <EvidenceChoice
          label={text.evidenceOf(file.name)}
          isLabelHidden
          value={evidence}
          onChange={(one) => uploads.describe(detailsOf(label, one), id)}
        />
      )}
    </div>
  );
}

function Buttons({ upload: { id, file, state }, again }: Props) {
  const text = useText(examine).upload;
  const isOver = ["chosen", "refused", "failed", "stored", "repeated"].includes(state.name);
  return (
    <div className="upload-buttons">
      {state.name === "failed" && (
        <button type="button" className="btn btn-sm btn-outline-primary" onClick={again}>
          {text.again}
        </button>
      )}
      {isOver && (
        <button
          type="button"
          className="btn btn-sm btn-link"
          aria-label={text.remove(file.name)}
          onClick={() => uploads.remove(id)}
        >
          ✕
        </button>
      )}
    </div>
  );
}
