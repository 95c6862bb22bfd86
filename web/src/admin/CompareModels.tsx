/** Two versions side by side. */

import { useState } from "react";
import { Choice } from "../forms/Choice";
import { useEstimateWords } from "../parts/estimate";
import { Section } from "../parts/Section";
import { admin } from "../texts/admin";
import { models as texts } from "../texts/models";
import { useFormat, useText } from "../texts/useText";
import type { ListedModel } from "./ModelTable";

export function CompareModels({ models }: { models: ListedModel[] }) {
  const text = useText(texts);
  const words = useText(admin);
  const { number } = useFormat();
  const [first, setFirst] = useState(models[0]?.id ?? "");
  const [second, setSecond] = useState(models[1]?.id ?? "");
  const find = (id: string) => models.find((model) => model.id === id);
  const [one, other] = [find(first), find(second)];
  const options = models.map(
    (model) => [model.id, `${words.model(number(model.number))} · ${text.state[model.state]}`] as const,
  );
  return (
    <Section title={text.compare} className="pt-4">
      {models.length < 2 ? (
        <p className="text-body-secondary">{text.oneAlone}</p>
      ) : (
        <>
          <div className="compare-choice">
            <Choice label={text.compareFirst} options={options} value={first} onChange={setFirst} />
            <Choice label={text.compareSecond} options={options} value={second} onChange={setSecond} />
          </div>
          {one && other && <Compared one={one} other={other} />}
          <p className="small text-body-secondary measure">{text.compareCaution}</p>
        </>
      )}
    </Section>
  );
}

function Compared({ one, other }: { one: ListedModel; other: ListedModel }) {
  const text = useText(texts);
  const words = useText(admin);
  const { number } = useFormat();
  const inWords = useEstimateWords();
  const rows: [string, (model: ListedModel) => string][] = [
    [text.columns.sensitivity, ({ evaluation }) => inWords(evaluation.sensitivity)],
    [text.columns.specificity, ({ evaluation }) => inWords(evaluation.specificity)],
    [text.columns.auc, ({ evaluation }) => inWords(evaluation.auc)],
    [text.calibration, ({ evaluation }) => number(evaluation.calibrationError)],
    [
      text.judgedOn,
      ({ evaluation: { positives, negatives } }) => `${number(positives)} / ${number(negatives)}`,
    ],
    [text.columns.trainedOn, ({ trainedOn }) => number(trainedOn)],
  ];
  return (
    <table className="table stacked numbers">
      <caption className="visually-hidden">{text.compare}</caption>
      <thead>
        <tr>
          <th scope="col">{text.figure}</th>
          <th scope="col">{words.model(number(one.number))}</th>
          <th scope="col">{words.model(number(other.number))}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([name, of]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td data-name={words.model(number(one.number))}>{of(one)}</td>
            <td data-name={words.model(number(other.number))}>{of(other)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
