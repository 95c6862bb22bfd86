/** Versions with their figures, and which one serves. */

import { Link } from "wouter";
import { graphql, type ResultOf } from "../graphql/graphql";
import { useEstimateWords } from "../parts/estimate";
import { admin } from "../texts/admin";
import { models as texts } from "../texts/models";
import { useFormat, useText } from "../texts/useText";

export const MODELS = graphql(`query Models($first: Int!, $after: String) {
  models(first: $first, after: $after) {
    nodes {
      id number state head backbone trainedOn createdAt
      evaluation {
        sensitivity { value low high }
        specificity { value low high }
        auc { value low high }
        calibrationError positives negatives
      }
      deployments { since until reason decidedBy { name } }
    }
    pageInfo { hasNextPage endCursor }
  }
}`);

export type ListedModel = ResultOf<typeof MODELS>["models"]["nodes"][number];

export function StateBadge({ state }: { state: ListedModel["state"] }) {
  const text = useText(texts);
  return (
    <span className={state === "IN_SERVICE" ? "badge-state is-serving" : "badge-state"}>
      {text.state[state]}
    </span>
  );
}

export function ModelTable({ models }: { models: ListedModel[] }) {
  const { columns, list } = useText(texts);
  return (
    <table className="table stacked numbers">
      <caption className="visually-hidden">{list}</caption>
      <thead>
        <tr>
          <th scope="col">{columns.model}</th>
          <th scope="col">{columns.state}</th>
          <th scope="col">{columns.sensitivity}</th>
          <th scope="col">{columns.specificity}</th>
          <th scope="col">{columns.auc}</th>
          <th scope="col">{columns.trainedOn}</th>
          <th scope="col">{columns.made}</th>
        </tr>
      </thead>
      <tbody>
        {models.map((model) => (
          <Row model={model} key={model.id} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ model }: { model: ListedModel }) {
  const { columns } = useText(texts);
  const words = useText(admin);
  const { moment, number } = useFormat();
  const inWords = useEstimateWords();
  const { evaluation } = model;
  return (
    <tr>
      <th scope="row" className="text-nowrap">
        <Link href={`/admin/models/${encodeURIComponent(model.id)}`}>
          {words.model(number(model.number))}
        </Link>
      </th>
      <td data-name={columns.state}>
        <StateBadge state={model.state} />
      </td>
      <td data-name={columns.sensitivity}>{inWords(evaluation.sensitivity)}</td>
      <td data-name={columns.specificity}>{inWords(evaluation.specificity)}</td>
      <td data-name={columns.auc}>{inWords(evaluation.auc)}</td>
      <td data-name={columns.trainedOn}>{number(model.trainedOn)}</td>
      <td data-name={columns.made}>
        <time dateTime={model.createdAt}>{moment(model.createdAt)}</time>
      </td>
    </tr>
  );
}
