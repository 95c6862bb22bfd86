/** Entries of the trail, each with who, what, and its place in the chain. */

import { Link } from "wouter";
import { graphql, type ResultOf } from "../graphql/graphql";
import { trail as texts } from "../texts/trail";
import { users } from "../texts/users";
import { useFormat, useText } from "../texts/useText";
import type { Wanted } from "./trail";

export const TRAIL = graphql(`query Trail($first: Int!, $after: String, $filter: TrailFilter) {
  trail(first: $first, after: $after, filter: $filter) {
    nodes { id position at kind actorId actor { id name } user { id name } subjects value reason sha256 }
    pageInfo { hasNextPage endCursor }
  }
}`);

type Entry = ResultOf<typeof TRAIL>["trail"]["nodes"][number];
export type TrailKind = NonNullable<Entry["kind"]>;

export const KINDS = Object.keys(texts.en.kind) as TrailKind[];

/** What nobody's name stands beside where whoever runs the server did it. */
const BY_OPERATORS: TrailKind[] = ["ROLE_CHANGED", "SECOND_FACTOR_RESET"];

interface Props {
  entries: Entry[];
  /** Shows what one user did; null where that is so already. */
  onlyBy: ((actor: Wanted["actor"]) => void) | null;
}

export function TrailTable({ entries, onlyBy }: Props) {
  const { columns, list } = useText(texts);
  return (
    <table className="table stacked">
      <caption className="visually-hidden">{list}</caption>
      <thead>
        <tr>
          <th scope="col">{columns.when}</th>
          <th scope="col">{columns.who}</th>
          <th scope="col">{columns.did}</th>
          <th scope="col">{columns.entry}</th>
        </tr>
      </thead>
      <tbody>
        {entries.map((entry) => (
          <Row entry={entry} onlyBy={onlyBy} key={entry.id} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ entry, onlyBy }: { entry: Entry } & Pick<Props, "onlyBy">) {
  const text = useText(texts);
  const { moment, number } = useFormat();
  const { columns } = text;
  return (
    <tr>
      <th scope="row" data-name={columns.when} className="text-nowrap fw-normal">
        <time dateTime={entry.at}>{moment(entry.at)}</time>
      </th>
      <td data-name={columns.who}>
        <Who entry={entry} onlyBy={onlyBy} />
      </td>
      <td data-name={columns.did}>
        <strong>{entry.kind ? text.kind[entry.kind] : text.unknown}</strong>
        <About entry={entry} />
      </td>
      <td data-name={columns.entry}>
        <details>
          <summary>{number(entry.position)}</summary>
          <span className="small">{text.hash}: </span>
          <code className="text-break">{entry.sha256}</code>
        </details>
      </td>
    </tr>
  );
}

function Who({ entry: { actor, actorId, kind }, onlyBy }: { entry: Entry } & Pick<Props, "onlyBy">) {
  const text = useText(texts);
  // Nobody does these by the web but administrators: without one it was done at the command line.
  if (!actor)
    return actorId ? text.formerUser : kind && BY_OPERATORS.includes(kind) ? text.operator : text.platform;
  if (!onlyBy) return actor.name;
  return (
    <button
      type="button"
      className="btn btn-link p-0 text-start"
      aria-label={text.filter.onlyBy(actor.name)}
      onClick={() => onlyBy(actor)}
    >
      {actor.name}
    </button>
  );
}

/** To whom or what it was done, and why. */
function About({ entry }: { entry: Entry }) {
  const text = useText(texts);
  const lines = [
    entry.user && entry.user.id !== entry.actorId && text.toWhom(entry.user.name),
    useValue(entry),
    entry.reason && text.reason(entry.reason),
  ].filter(Boolean);
  return (
    <>
      {lines.map((line) => (
        <span className="small d-block text-break" key={String(line)}>
          {line}
        </span>
      ))}
      <Way entry={entry} />
    </>
  );
}

function useValue({ kind, value }: Entry): string | null {
  const text = useText(texts);
  const { role } = useText(users);
  const { number } = useFormat();
  if (!value) return null;
  if (kind === "ROLE_CHANGED") return text.role(role[value as keyof typeof role]);
  if (kind === "RECOVERY_CODE_USED") return text.left(number(Number(value)));
  if (kind === "LABELS_WITHDRAWN") return text.labels(number(Number(value)));
  return kind === "RETRAINING_STARTED" && value === "THRESHOLD" ? text.byThreshold : null;
}

const PAGES: Partial<Record<TrailKind, string>> = {
  LABEL_SUBMITTED: "/examine",
  MODEL_PROMOTED: "/admin/models",
};

/** Leads to what it was done to, where that has a page; it may be no more. */
function Way({ entry: { kind, subjects } }: { entry: Entry }) {
  const text = useText(texts);
  const page = kind && PAGES[kind];
  // By their types' names: of a label the image comes first.
  if (!page || !subjects[0]) return null;
  return (
    <Link className="small d-block" href={`${page}/${encodeURIComponent(subjects[0])}`}>
      {kind === "MODEL_PROMOTED" ? text.showModel : text.showImage}
    </Link>
  );
}
