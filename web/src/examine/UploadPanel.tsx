/** Where files are dragged in, described and sent. */

import { type ChangeEvent, type DragEvent, useId, useState, useSyncExternalStore } from "react";
import { untilNextAttempt } from "../graphql/follow";
import { useLink } from "../graphql/Linked";
import { type Sent, type UploadDetails, upload } from "../graphql/upload";
import type { ImageRow } from "../images/imageRow";
import { type Evidence, EvidenceChoice, type Finding, FindingChoice } from "../images/labelChoices";
import { Section } from "../parts/Section";
import { session } from "../session/useSession";
import { examine } from "../texts/examine";
import { useText } from "../texts/useText";
import { UploadItem } from "./UploadItem";
import { detailsOf, type Pause, type Send, uploads } from "./uploads";

// Whoever signs in next is not to see what somebody else was about to upload.
session.subscribe(() => uploads.forget());

const pause: Pause = (failures, seconds) =>
  seconds === undefined
    ? untilNextAttempt(failures)
    : new Promise((resolve) => setTimeout(resolve, seconds * 1000));

const TYPES = "image/*,.dcm,.dicom,application/dicom";

/** What becomes of a file whose turn comes after somebody else has signed in in this browser. */
const ENDED: Sent = { status: "failed", failure: { kind: "UNAUTHENTICATED", message: "" } };

interface Props {
  /** Hears of each image as it is stored. */
  stored: (image: ImageRow) => void;
}

export function UploadPanel({ stored }: Props) {
  const text = useText(examine).upload;
  const { isCurrent, refused } = useLink();
  const listed = useSyncExternalStore(uploads.subscribe, uploads.get);
  const [details, setDetails] = useState<UploadDetails>({});

  const send: Send = async (file, said, progress) => {
    if (!isCurrent()) return ENDED;
    const sent = await upload(file, said, progress);
    if (sent.status === "stored") stored(sent.image);
    if (sent.status === "failed" && sent.failure.kind === "UNAUTHENTICATED") refused();
    return sent;
  };
  const start = (id?: number) => uploads.start(send, pause, id);
  const describe = (change: UploadDetails) => {
    setDetails((before) => ({ ...before, ...change }));
    uploads.describe(change);
  };

  const chosen = listed.filter(({ state }) => state.name === "chosen").length;
  const done = listed.filter(({ state }) => state.name === "stored" || state.name === "repeated").length;
  return (
    <Section title={text.heading} className="upload-panel">
      <DropField take={(files) => uploads.choose(files, details)} />
      {listed.length > 0 && (
        <>
          {chosen > 0 && <ForAll details={details} describe={describe} />}
          <p className="visually-hidden" role="status">
            {text.listed(listed.length, done)}
          </p>
          <ul className="upload-list">
            {listed.map((one) => (
              <UploadItem upload={one} again={() => start(one.id)} key={one.id} />
            ))}
          </ul>
          <div className="d-flex flex-wrap gap-2">
            {chosen > 0 && (
              <button type="button" className="btn btn-primary" onClick={() => start()}>
                {text.start(chosen)}
              </button>
            )}
            {done > 0 && (
              <button type="button" className="btn btn-outline-primary" onClick={() => uploads.clear()}>
                {text.clear}
              </button>
            )}
          </div>
        </>
      )}
    </Section>
  );
}

function DropField({ take }: { take: (files: File[]) => void }) {
  const text = useText(examine).upload;
  const id = useId();
  const [isOver, setOver] = useState(false);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    take([...event.dataTransfer.files]);
  };
  const choose = (event: ChangeEvent<HTMLInputElement>) => {
    take([...(event.target.files ?? [])]);
    // The same file can be chosen again after it was taken off the list.
    event.target.value = "";
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: files are chosen by the input in it, too
    <div
      className={isOver ? "drop-field is-over" : "drop-field"}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <p className="mb-1">
        {text.drop}{" "}
        <label className="drop-choose" htmlFor={id}>
          {text.choose}
        </label>
      </p>
      <input className="visually-hidden" id={id} type="file" multiple accept={TYPES} onChange={choose} />
      <p className="small text-body-secondary mb-0">{text.formats}</p>
    </div>
  );
}

function ForAll({
  details,
  describe,
}: {
  details: UploadDetails;
  describe: (details: UploadDetails) => void;
}) {
  const text = useText(examine).upload;
  const id = useId();
  const label = (details.label ?? null) as Finding | null;
  const evidence = (details.evidence ?? "UNSTATED") as Evidence;
  return (
    <fieldset className="for-all">
      <legend className="h6">{text.forAll}</legend>
      <FindingChoice
        label={text.label}
        value={label}
        onChange={(finding) => describe(detailsOf(finding, evidence))}
      />
      <EvidenceChoice
        label={text.evidence}
        value={evidence}
        isDisabled={!label}
        onChange={(one) => describe(detailsOf(label, one))}
      />
      <div>
        <label className="form-label" htmlFor={id}>
          {text.patient}
        </label>
        <input
          className="form-control"
          id={id}
          maxLength={100}
          aria-describedby={`${id}-hint`}
          value={details.patientRef ?? ""}
          onChange={(event) => describe({ patientRef: event.target.value })}
        />
        <div className="form-text" id={`${id}-hint`}>
          {text.patientHint}
        </div>
      </div>
    </fieldset>
  );
}
