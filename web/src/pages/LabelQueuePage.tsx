/** The label queue: one image after another, by keys or by buttons. */

import { useEffect, useEffectEvent, useId, useState } from "react";
import { LABEL } from "../examine/ImageEditor";
import { graphql, type ResultOf, type VariablesOf } from "../graphql/graphql";
import { useLink } from "../graphql/Linked";
import { useFetch } from "../graphql/useFetch";
import { useMutate } from "../graphql/useMutate";
import { FindingOf } from "../images/FindingBadge";
import { ImageViewer } from "../images/ImageViewer";
import { IMAGE_ROW } from "../images/imageRow";
import { type Evidence, EvidenceChoice, type Finding } from "../images/labelChoices";
import { useRenewal } from "../images/useRenewal";
import { MembersOnly } from "../layout/MembersOnly";
import { Page } from "../layout/Page";
import { QueryView } from "../parts/QueryView";
import { ResearchOnly } from "../parts/ResearchWarning";
import { examine } from "../texts/examine";
import { findings } from "../texts/findings";
import { labelReasonInWords } from "../texts/labelReasons";
import { useFailureWords, useProblemWords } from "../texts/useProblems";
import { useFormat, useLanguage, useText } from "../texts/useText";
import { toasts } from "../toasts/toasts";

const QUEUE = graphql(
  `query LabelQueue($after: String) {
  labelQueue(first: 20, after: $after) {
    totalCount
    nodes { ...ImageRow url width height labelReason }
    pageInfo { hasNextPage endCursor }
  }
  retraining { newLabels threshold }
}`,
  [IMAGE_ROW],
);

const URLS = graphql(`query Urls($ids: [ID!]!) {
  nodes(ids: $ids) { __typename ... on Image { id url } }
}`);

const BEGINNING: VariablesOf<typeof QUEUE> = { after: null };

type Queued = ResultOf<typeof QUEUE>["labelQueue"]["nodes"][number];

export function LabelQueuePage() {
  return <MembersOnly>{() => <Queue />}</MembersOnly>;
}

function Queue() {
  const text = useText(examine).queue;
  const [state, ask] = useFetch(QUEUE, BEGINNING);
  return (
    <Page title={text.title} width="wide">
      <ResearchOnly />
      <p className="measure">{text.lead}</p>
      <QueryView state={state} what={text.what}>
        {({ labelQueue: { nodes, pageInfo, totalCount }, retraining }) => (
          <Batch
            images={nodes}
            waiting={totalCount}
            retraining={retraining}
            // Behind the end the walk begins anew, with what was skipped.
            over={() => ask({ after: pageInfo.hasNextPage ? pageInfo.endCursor : null })}
          />
        )}
      </QueryView>
    </Page>
  );
}

interface BatchProps {
  images: Queued[];
  waiting: number;
  retraining: ResultOf<typeof QUEUE>["retraining"];
  over: () => void;
}

function Batch({ images, waiting, retraining, over }: BatchProps) {
  const text = useText(examine).queue;
  const { number } = useFormat();
  const [place, setPlace] = useState(0);
  const urls = useUrls(images);
  const [status, setStatus] = useState(retraining);
  const image = images[place];
  if (!image) return <Done isEmpty={images.length === 0} over={over} />;
  return (
    <>
      <p className="small text-body-secondary" role="status">
        {text.left(number(waiting))} · {text.toNext(number(status.newLabels), number(status.threshold))}
      </p>
      <One
        key={image.id}
        image={image}
        url={urls.get(image.id) ?? image.url}
        next={() => setPlace(place + 1)}
        back={place > 0 ? () => setPlace(place - 1) : null}
        counted={setStatus}
      />
    </>
  );
}

/** Where the pictures are by now, of those whose addresses have been renewed: a batch may be looked at for long. */
function useUrls(images: Queued[]): ReadonlyMap<string, string> {
  const { client } = useLink();
  const [urls, setUrls] = useState<ReadonlyMap<string, string>>(new Map());
  useRenewal(async () => {
    const ids = images.map(({ id }) => id);
    const { data } = await client.query(URLS, { ids }, { requestPolicy: "network-only" });
    const found = data?.nodes.map((one) =>
      one?.__typename === "Image" ? ([one.id, one.url] as const) : null,
    );
    if (found) setUrls(new Map(found.filter((one) => one !== null)));
  });
  return urls;
}

function Done({ isEmpty, over }: { isEmpty: boolean; over: () => void }) {
  const text = useText(examine).queue;
  useEffect(() => {
    if (!isEmpty) over();
  }, [isEmpty, over]);
  return (
    <div className="py-4">
      <p>{text.done}</p>
      <button type="button" className="btn btn-outline-primary" onClick={over}>
        {text.reload}
      </button>
    </div>
  );
}

interface OneProps {
  image: Queued;
  url: string;
  next: () => void;
  back: (() => void) | null;
  counted: (status: BatchProps["retraining"]) => void;
}

const EVIDENCE_KEY = "covidxr-queue-evidence";

function One({ image, url, next, back, counted }: OneProps) {
  const text = useText(examine);
  const words = useText(findings);
  const problemInWords = useProblemWords();
  const failureInWords = useFailureWords();
  const [evidence, setEvidence] = useState(
    () => (sessionStorage.getItem(EVIDENCE_KEY) ?? "RADIOLOGIST") as Evidence,
  );
  const [submit, isUnderWay] = useMutate(LABEL);

  const label = async (finding: Finding) => {
    if (isUnderWay) return;
    const outcome = await submit({ input: { imageId: image.id, finding, evidence } });
    if (outcome.status === "done") {
      toasts.show({ message: text.queue.labelled(image.filename, words[finding]), tone: "done" });
      if (outcome.payload.retraining) counted(outcome.payload.retraining);
      next();
    } else {
      const message =
        outcome.status === "failed"
          ? failureInWords(outcome.failure)
          : outcome.problems.map(problemInWords).join(" ");
      toasts.show({ message, tone: "failed" });
    }
  };

  return (
    <div className="image-page">
      <ImageViewer url={url} name={image.filename} width={image.width} height={image.height} />
      <div className="image-said">
        <h2 className="h5 mb-0 text-break">{image.filename}</h2>
        <EvidenceChoice
          label={text.queue.evidence}
          value={evidence}
          onChange={(chosen) => {
            sessionStorage.setItem(EVIDENCE_KEY, chosen);
            setEvidence(chosen);
          }}
        />
        <div className="queue-buttons">
          <button
            type="button"
            className="btn btn-primary"
            disabled={isUnderWay}
            onClick={() => void label("COVID")}
          >
            {text.queue.covid}
          </button>
          <button
            type="button"
            className="btn btn-primary"
            disabled={isUnderWay}
            onClick={() => void label("NO_COVID")}
          >
            {text.queue.noCovid}
          </button>
          <button type="button" className="btn btn-outline-primary" onClick={next}>
            {text.queue.skip}
          </button>
          {back && (
            <button type="button" className="btn btn-link" onClick={back}>
              {text.queue.back}
            </button>
          )}
        </div>
        <Keys does={{ c: () => void label("COVID"), n: () => void label("NO_COVID"), s: next }} />
        <Why reason={image.labelReason} />
        <details>
          <summary>{text.queue.said}</summary>
          <p className="mt-2 mb-0">
            <FindingOf image={image} />
          </p>
        </details>
      </div>
    </div>
  );
}

function Why({ reason }: { reason: string | null }) {
  const text = useText(examine).queue;
  const { language } = useLanguage();
  if (!reason) return null;
  return (
    <details>
      <summary>{text.why}</summary>
      <p className="mt-2 mb-0">{labelReasonInWords(reason, language)}</p>
    </details>
  );
}

const KEYS_KEY = "covidxr-queue-keys";

/** Letters that act at once; whoever speaks to the browser in place of typing can switch them off. */
function Keys({ does }: { does: Record<string, () => void> }) {
  const text = useText(examine).queue;
  const id = useId();
  const [isOn, setOn] = useState(() => localStorage.getItem(KEYS_KEY) !== "off");
  const act = useEffectEvent((event: KeyboardEvent) => {
    const isTyping = (event.target as HTMLElement).closest("input:not([type=range]), select, textarea");
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    does[event.key.toLowerCase()]?.();
  });
  useEffect(() => {
    if (!isOn) return;
    const listen = (event: KeyboardEvent) => act(event);
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, [isOn]);
  return (
    <div className="form-check">
      <input
        className="form-check-input"
        type="checkbox"
        id={id}
        checked={isOn}
        onChange={(event) => {
          localStorage.setItem(KEYS_KEY, event.target.checked ? "on" : "off");
          setOn(event.target.checked);
        }}
      />
      <label className="form-check-label" htmlFor={id}>
        {isOn ? text.keys : text.keysOn}
      </label>
    </div>
  );
}
