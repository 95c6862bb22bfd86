/** The shortcut audit: whether findings follow something other than the disease. */

import { useEstimateWords } from "../parts/estimate";
import { Section } from "../parts/Section";
import { models as texts } from "../texts/models";
import { useFormat, useText } from "../texts/useText";
import type { Audit } from "./model";
import { Told } from "./Told";

export function AuditSection({ audit }: { audit: Audit | null }) {
  const text = useText(texts);
  return (
    <Section title={text.audit} className="pt-4">
      {audit ? <Found audit={audit} /> : <p className="text-body-secondary">{text.noAudit}</p>}
    </Section>
  );
}

function Found({ audit }: { audit: Audit }) {
  const text = useText(texts);
  const { number, percent } = useFormat();
  const inWords = useEstimateWords();
  return (
    <>
      <p className={audit.followsBorder ? "alert alert-warning" : "measure"}>
        {audit.followsBorder ? text.follows : text.followsNot}{" "}
        {text.border(inWords(audit.border), percent(audit.borderLimit))}
      </p>
      <h3 className="h6">{text.changes(number(audit.films))}</h3>
      <table className="table stacked numbers">
        <caption className="visually-hidden">{text.changes(number(audit.films))}</caption>
        <thead>
          <tr>
            <th scope="col">{text.change}</th>
            <th scope="col">{text.columns.auc}</th>
            <th scope="col">{text.changed}</th>
            <th scope="col">{text.reversed}</th>
            <th scope="col">{text.refused}</th>
          </tr>
        </thead>
        <tbody>
          {audit.changes.map(({ name, auc, changed, reversed, refused }) => (
            <tr key={name}>
              <th scope="row" className="fw-normal">
                <Told>{name}</Told>
              </th>
              <td data-name={text.columns.auc}>{inWords(auc)}</td>
              <td data-name={text.changed}>{inWords(changed)}</td>
              <td data-name={text.reversed}>{inWords(reversed)}</td>
              <td data-name={text.refused}>{refused ? inWords(refused) : "–"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
