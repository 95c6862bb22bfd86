/** Which version served when, by whose decision and why. */

import { models as texts } from "../texts/models";
import { useFormat, useText } from "../texts/useText";
import { Told } from "./Told";

export interface Deployed {
  /** The version; left out where it is known. */
  number?: number;
  since: string;
  until: string | null;
  reason: string;
  decidedBy: { name: string } | null;
}

const LONG = 100;

/** The latest first, whichever version it is of. */
export function inOrder(
  models: readonly { number: number; deployments: readonly Omit<Deployed, "number">[] }[],
): Deployed[] {
  return models
    .flatMap(({ number, deployments }) => deployments.map((one) => ({ ...one, number })))
    .sort((one, other) => other.since.localeCompare(one.since));
}

export function Deployments({ deployments }: { deployments: readonly Deployed[] }) {
  const text = useText(texts);
  const { moment, number } = useFormat();
  if (deployments.length === 0) return <p className="text-body-secondary">{text.noDeployments}</p>;
  const hasModels = deployments[0]?.number !== undefined;
  return (
    <table className="table stacked">
      <caption className="visually-hidden">{text.deployments}</caption>
      <thead>
        <tr>
          <th scope="col">{text.since}</th>
          <th scope="col">{text.until}</th>
          {hasModels && <th scope="col">{text.columns.model}</th>}
          <th scope="col">{text.decidedBy}</th>
          <th scope="col">{text.reason}</th>
        </tr>
      </thead>
      <tbody>
        {deployments.map((one) => (
          <tr key={one.since}>
            <th scope="row" className="fw-normal">
              <time dateTime={one.since}>{moment(one.since)}</time>
            </th>
            <td data-name={text.until}>{one.until ? moment(one.until) : text.stillServes}</td>
            {one.number !== undefined && <td data-name={text.columns.model}>{number(one.number)}</td>}
            <td data-name={text.decidedBy}>{one.decidedBy?.name ?? text.nobody}</td>
            <td data-name={text.reason} className="roomy">
              <Reason deployed={one} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A verdict is long, and waits behind its name; a reason that somebody gave is shown as it stands. */
function Reason({ deployed: { reason, decidedBy } }: { deployed: Deployed }) {
  const text = useText(texts);
  if (decidedBy) return reason;
  if (reason.length < LONG) return <Told>{reason}</Told>;
  return (
    <details>
      <summary>{text.verdict}</summary>
      <Told>{reason}</Told>
    </details>
  );
}
