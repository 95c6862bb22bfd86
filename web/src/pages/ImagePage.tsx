/** One image: the picture, what models say of it, and what people know of it. */

import { Link, useLocation, useParams } from "wouter";
import { ImageEditor } from "../examine/ImageEditor";
import { graphql, type ResultOf } from "../graphql/graphql";
import { useFollow } from "../graphql/useFollow";
import { refresh, useQuery } from "../graphql/useQuery";
import { FindingBadge } from "../images/FindingBadge";
import { ImageViewer } from "../images/ImageViewer";
import { IMAGE_ROW } from "../images/imageRow";
import { ProbabilityScale } from "../images/ProbabilityScale";
import { useDelete } from "../images/useDelete";
import { useRenewal } from "../images/useRenewal";
import { MembersOnly } from "../layout/MembersOnly";
import { Page } from "../layout/Page";
import { QueryView } from "../parts/QueryView";
import { ResearchWarning } from "../parts/ResearchWarning";
import { Card } from "../parts/Section";
import { examine } from "../texts/examine";
import { findings } from "../texts/findings";
import { useFormat, useText } from "../texts/useText";

const IMAGE = graphql(
  `query Image($id: ID!) {
  node(id: $id) {
    __typename
    ... on Image {
      ...ImageRow
      url width height
      uploadedBy { name }
      current: prediction {
        id finding probability abstained view heatmapUrl createdAt
        model { number threshold band { low high } }
      }
      predictions(first: 50) { nodes { id finding probability abstained createdAt model { number } } }
      labels(first: 50) { nodes { id finding evidence createdAt withdrawnAt submittedBy { name } } }
      findingChange { changedAt prediction { finding } previous { finding } }
    }
  }
}`,
  [IMAGE_ROW],
);

const PREDICTED = graphql(`subscription Predicted($after: Cursor) {
  predictionMade(after: $after) { cursor prediction { image { id } } }
}`);

const CHANGED = graphql(`subscription Changed($after: Cursor) {
  findingChanged(after: $after) { cursor change { prediction { image { id } } } }
}`);

type Image = Extract<ResultOf<typeof IMAGE>["node"], { __typename: "Image" }>;

export function ImagePage() {
  return <MembersOnly>{() => <OneImage />}</MembersOnly>;
}

function OneImage() {
  const text = useText(examine).one;
  const { id: encoded = "" } = useParams<{ id: string }>();
  const id = decodeURIComponent(encoded);
  const state = useQuery(IMAGE, { id });
  useFollow(PREDICTED, {
    heard: ({ predictionMade }) => {
      if (predictionMade.prediction.image.id === id) refresh(state);
    },
    begun: () => refresh(state),
  });
  useFollow(CHANGED, {
    heard: ({ findingChanged }) => {
      if (findingChanged.change.prediction.image.id === id) refresh(state);
    },
  });
  useRenewal(() => refresh(state));
  const image = state.status === "ready" && state.data.node?.__typename === "Image" ? state.data.node : null;
  return (
    <Page title={image?.filename ?? text.what} width="wide" aside={<Link href="/examine">{text.back}</Link>}>
      <QueryView state={state} what={text.what}>
        {() => (image ? <Whole image={image} reload={() => refresh(state)} /> : <p>{text.gone}</p>)}
      </QueryView>
    </Page>
  );
}

function Whole({ image, reload }: { image: Image; reload: () => void }) {
  const text = useText(examine).table;
  return (
    <div className="image-page">
      <ImageViewer
        url={image.url}
        name={image.filename}
        width={image.width}
        height={image.height}
        heatmapUrl={image.current?.heatmapUrl ?? null}
      />
      <div className="image-said">
        <ResearchWarning />
        <Current image={image} />
        <Labels image={image} />
        <Predictions image={image} />
        <Facts image={image} />
      </div>
      <section className="card image-edit" aria-label={text.edit}>
        <div className="card-body">
          <ImageEditor row={image} changed={reload} />
          <Delete image={image} />
        </div>
      </section>
    </div>
  );
}

function Current({ image: { current, failure, predictionState, findingChange } }: { image: Image }) {
  const text = useText(examine).one;
  const words = useText(findings);
  const named = (finding: "COVID" | "NO_COVID" | null) => (finding ? words[finding] : words.none);
  return (
    <Card title={text.findingNow}>
      <div aria-live="polite">
        {current ? (
          <>
            <p className="mb-2 finding-line">
              <FindingBadge prediction={current} />
              <span className="text-body-secondary">{text.model(current.model.number)}</span>
            </p>
            {current.abstained && <p className="mb-2">{words.abstainedLong[current.abstained]}</p>}
            {current.view && current.view !== "FRONTAL" && <p className="mb-2">{words.view[current.view]}</p>}
            <p className="mb-1 small">{words.probability}</p>
            <ProbabilityScale
              probability={current.probability}
              threshold={current.model.threshold}
              band={current.model.band}
            />
          </>
        ) : (
          <p className="mb-0">
            {predictionState === "FAILED" ? `${words.failed}: ` : words.pending}
            {failure && <span lang="en">{failure}</span>}
          </p>
        )}
        {findingChange && (
          <p className="mt-2 mb-0">
            {text.change(named(findingChange.previous.finding), named(findingChange.prediction.finding))}
          </p>
        )}
      </div>
    </Card>
  );
}

function Facts({ image }: { image: Image }) {
  const text = useText(examine).one;
  const { moment, number } = useFormat();
  return (
    <Card title={text.file}>
      <dl className="facts">
        <dt>{text.uploadedAt}</dt>
        <dd>
          <time dateTime={image.uploadedAt}>{moment(image.uploadedAt)}</time>
        </dd>
        <dt>{text.uploadedBy}</dt>
        <dd>{image.uploadedBy.name}</dd>
        <dt>{text.size}</dt>
        <dd>{text.pixels(number(image.width), number(image.height))}</dd>
        <dt>{text.patient}</dt>
        <dd>{image.patientRef ?? "—"}</dd>
      </dl>
    </Card>
  );
}

function Labels({ image }: { image: Image }) {
  const text = useText(examine).one;
  const words = useText(findings);
  const { moment } = useFormat();
  return (
    <Card title={text.labels}>
      {image.labels.nodes.length === 0 && <p className="mb-0 text-body-secondary">{text.noLabels}</p>}
      {image.labelConflict && <p>{words.conflict}.</p>}
      <ul className="history">
        {image.labels.nodes.map((label) => (
          <li key={label.id}>
            <span className={`finding is-truth finding-${label.finding.toLowerCase()}`}>
              {words[label.finding]}
            </span>
            <span>{words.evidence[label.evidence]}</span>
            <span className="small text-body-secondary">
              {label.submittedBy.name}, {moment(label.createdAt)}
              {label.withdrawnAt && ` (${text.withdrawn})`}
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Predictions({ image }: { image: Image }) {
  const text = useText(examine).one;
  const { moment, percent } = useFormat();
  if (image.predictions.nodes.length === 0) return null;
  return (
    <Card title={text.predictions}>
      <ul className="history">
        {image.predictions.nodes.map((prediction) => (
          <li key={prediction.id}>
            <FindingBadge prediction={prediction} />
            <span>{percent(prediction.probability)}</span>
            <span className="small text-body-secondary">
              {text.model(prediction.model.number)}, {moment(prediction.createdAt)}
            </span>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Delete({ image }: { image: Image }) {
  const text = useText(examine).table;
  const [, navigate] = useLocation();
  const remove = useDelete();
  return (
    <button
      type="button"
      className="btn btn-sm btn-outline-danger mt-2"
      onClick={() => {
        remove(image);
        navigate("/examine");
      }}
    >
      {text.delete}
    </button>
  );
}
