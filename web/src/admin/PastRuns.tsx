/** The runs that have ended, each with its outcome and why. */

import { Link } from "wouter";
import { graphql, type ResultOf } from "../graphql/graphql";
import { useQuery } from "../graphql/useQuery";
import { QueryView } from "../parts/QueryView";
import { Section } from "../parts/Section";
import { admin } from "../texts/admin";
import { retraining as texts } from "../texts/retraining";
import { useFormat, useText } from "../texts/useText";
import { LossCurve } from "./LossCurve";
import { Pager, usePaging } from "./paging";
import { Told } from "./Told";

const RUNS = graphql(`query TrainingRuns($first: Int!, $after: String) {
  trainingRuns(first: $first, after: $after) {
    nodes {
      id state trigger reason labels queuedAt finishedAt epochs losses
      requestedBy { name }
      model { id number }
      leftOut { cause images }
    }
    pageInfo { hasNextPage endCursor }
  }
}`);

type PastRun = ResultOf<typeof RUNS>["trainingRuns"]["nodes"][number];

const PAGE = 10;

export function PastRuns() {
  const text = useText(texts);
  const paging = usePaging();
  const state = useQuery(RUNS, { first: PAGE, after: paging.after });
  return (
    <Section title={text.runs} className="pt-4">
      <QueryView state={state} what={text.runsWhat}>
        {({ trainingRuns: { nodes, pageInfo } }) => {
          const ended = nodes.filter(({ finishedAt }) => finishedAt !== null);
          return (
            <>
              {ended.length > 0 ? (
                <Table runs={ended} />
              ) : (
                <p className="text-body-secondary">{text.noRuns}</p>
              )}
              <Pager paging={paging} pageInfo={pageInfo} />
            </>
          );
        }}
      </QueryView>
    </Section>
  );
}

function Table({ runs }: { runs: PastRun[] }) {
  const { columns, runs: caption } = useText(texts);
  return (
    <table className="table stacked">
      <caption className="visually-hidden">{caption}</caption>
      <thead>
        <tr>
          <th scope="col">{columns.run}</th>
          <th scope="col">{columns.state}</th>
          <th scope="col">{columns.by}</th>
          <th scope="col">{columns.labels}</th>
          <th scope="col">{columns.leftOut}</th>
          <th scope="col">{columns.model}</th>
        </tr>
      </thead>
      <tbody>
        {runs.map((run) => (
          <Row run={run} key={run.id} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ run }: { run: PastRun }) {
  const text = useText(texts);
  const words = useText(admin);
  const { moment, number } = useFormat();
  const { columns } = text;
  return (
    <tr>
      <th scope="row" data-name={columns.run}>
        <time dateTime={run.queuedAt}>{moment(run.queuedAt)}</time>
        <span className="small fw-normal text-body-secondary d-block">
          {run.finishedAt && text.took(number(minutesBetween(run.queuedAt, run.finishedAt)))}
        </span>
      </th>
      <td data-name={columns.state} className="roomy">
        <strong>{text.state[run.state]}</strong>
        <details>
          <summary>{text.why}</summary>
          <p>
            <Told>{run.reason}</Told>
          </p>
          <LossCurve losses={run.losses} epochs={run.epochs} />
        </details>
      </td>
      <td data-name={columns.by}>
        {run.trigger === "THRESHOLD" ? text.byThreshold : (run.requestedBy?.name ?? text.byAdmin)}
      </td>
      <td data-name={columns.labels}>{number(run.labels)}</td>
      <td data-name={columns.leftOut}>
        <LeftOut run={run} />
      </td>
      <td data-name={columns.model} className="text-nowrap">
        {run.model ? (
          <Link href={`/admin/models/${encodeURIComponent(run.model.id)}`}>
            {words.model(number(run.model.number))}
          </Link>
        ) : (
          words.never
        )}
      </td>
    </tr>
  );
}

function LeftOut({ run }: { run: PastRun }) {
  const text = useText(texts);
  const { number } = useFormat();
  if (!run.leftOut) return text.unknown;
  if (run.leftOut.length === 0) return text.none;
  return (
    <ul className="list-unstyled mb-0">
      {run.leftOut.map(({ cause, images }) => (
        <li key={cause}>
          {number(images)} {text.leftOut[cause]}
        </li>
      ))}
    </ul>
  );
}

/** With a tenth, for runs of seconds. */
function minutesBetween(begin: string, end: string): number {
  return Math.round((Date.parse(end) - Date.parse(begin)) / 6000) / 10;
}
