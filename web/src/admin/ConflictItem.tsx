/** An image on which people contradict one another: who said what, and the label that settles it. */

import { useState } from "react";
import { Link } from "wouter";
import { graphql, type ResultOf } from "../graphql/graphql";
import { useMutate } from "../graphql/useMutate";
import { pageOf } from "../images/imageRow";
import { type Evidence, EvidenceChoice, type Finding, FindingChoice } from "../images/labelChoices";
import { here } from "../parts/here";
import { findings } from "../texts/findings";
import { conflicts as texts } from "../texts/users";
import { useFormat, useText } from "../texts/useText";
import { toasts } from "../toasts/toasts";
import { ActionButton } from "./ActionButton";

export const CONFLICTS = graphql(`query LabelConflicts($first: Int!, $after: String) {
  labelConflicts(first: $first, after: $after) {
    nodes {
      id filename thumbnailUrl uploadedAt uploadedBy { name }
      labels(first: 10) {
        nodes { id finding evidence createdAt withdrawnAt submittedBy { name } }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}`);

const SETTLE = graphql(`mutation SettleLabels($input: SubmitLabelInput!) {
  submitLabel(input: $input) { label { id image { id labelConflict } } errors { code message path } }
}`);

type Conflict = ResultOf<typeof CONFLICTS>["labelConflicts"]["nodes"][number];

export function ConflictItem({ image }: { image: Conflict }) {
  const text = useText(texts);
  const { moment } = useFormat();
  return (
    <li className="conflict">
      <img
        className="thumbnail"
        src={here(image.thumbnailUrl)}
        alt=""
        loading="lazy"
        width="96"
        height="96"
      />
      <div>
        <h2 className="h6 mb-1">
          <Link href={pageOf(image.id)}>{image.filename}</Link>
        </h2>
        <p className="small text-body-secondary mb-2">
          {text.uploadedBy(image.uploadedBy.name, moment(image.uploadedAt))}
        </p>
        <Labels image={image} />
        <Settle image={image} />
      </div>
    </li>
  );
}

function Labels({ image }: { image: Conflict }) {
  const text = useText(texts);
  const words = useText(findings);
  const { moment } = useFormat();
  return (
    <ul>
      {image.labels.nodes.map((label) => (
        <li key={label.id}>
          {text.said(label.submittedBy.name, words[label.finding], words.evidence[label.evidence])}{" "}
          <span className="small text-body-secondary">
            <time dateTime={label.createdAt}>{moment(label.createdAt)}</time>
            {label.withdrawnAt && ` · ${text.isWithdrawn}`}
          </span>
        </li>
      ))}
    </ul>
  );
}

function Settle({ image }: { image: Conflict }) {
  const text = useText(texts);
  const [send] = useMutate(SETTLE);
  const [finding, setFinding] = useState<Finding>("COVID");
  const [evidence, setEvidence] = useState<Evidence>(image.labels.nodes[0]?.evidence ?? "UNSTATED");
  return (
    <ActionButton
      name={text.settle}
      title={`${text.settle}: ${image.filename}`}
      send={() => send({ input: { imageId: image.id, finding, evidence } })}
      done={({ label }) => {
        const isOpen = label?.image.labelConflict;
        const message = isOpen ? text.stillOpen(image.filename) : text.settled(image.filename);
        toasts.show({ message, tone: isOpen ? "failed" : "done" });
      }}
    >
      <div className="d-grid gap-3 mb-3">
        <FindingChoice
          label={text.finding}
          value={finding}
          onChange={(chosen) => chosen && setFinding(chosen)}
        />
        <EvidenceChoice label={text.evidence} value={evidence} onChange={setEvidence} />
      </div>
    </ActionButton>
  );
}
