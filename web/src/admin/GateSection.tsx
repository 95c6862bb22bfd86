/** The gate's verdict in numbers: this version and the one in service then, on the same patients. */

import { Section } from "../parts/Section";
import { admin } from "../texts/admin";
import { models as texts } from "../texts/models";
import { useFormat, useText } from "../texts/useText";
import type { Gate } from "./model";
import { useSigned } from "./useSigned";

/** The server's names of figures and classes, in the reader's language where we have a word. */
function useNames(): (name: string) => string {
  const { names } = useText(texts);
  return (name) => (names as Record<string, string>)[name] ?? name;
}

export function GateSection({ gate }: { gate: Gate }) {
  const text = useText(texts);
  const { number } = useFormat();
  const named = useNames();
  return (
    <Section title={text.gate} className="pt-4">
      <table className="table stacked numbers">
        <caption className="visually-hidden">{text.gate}</caption>
        <thead>
          <tr>
            <th scope="col">{text.figure}</th>
            <th scope="col">{text.candidate}</th>
            <th scope="col">{text.incumbent}</th>
            <th scope="col">{text.difference}</th>
            <th scope="col">{text.margin}</th>
            <th scope="col">{text.passes}</th>
          </tr>
        </thead>
        <tbody>
          {gate.comparisons.map((one) => (
            <Row comparison={one} key={one.name} />
          ))}
        </tbody>
      </table>
      <h3 className="h6">{text.sizes}</h3>
      <dl>
        {gate.sizes.map(({ name, patients, needed }) => (
          <div key={name}>
            <dt className="d-inline fw-normal">{named(name)}: </dt>
            <dd className="d-inline">{text.size(number(patients), number(needed))}</dd>
          </div>
        ))}
      </dl>
    </Section>
  );
}

function Row({ comparison }: { comparison: Gate["comparisons"][number] }) {
  const text = useText(texts);
  const words = useText(admin);
  const { number } = useFormat();
  const signed = useSigned();
  const named = useNames();
  const { name, candidate, incumbent, difference, margin, passes, alone } = comparison;
  return (
    <tr>
      <th scope="row">{named(name)}</th>
      <td data-name={text.candidate}>{number(candidate)}</td>
      <td data-name={text.incumbent}>{number(incumbent)}</td>
      <td data-name={text.difference}>
        {signed(difference.value)} ({words.interval(signed(difference.low), signed(difference.high))})
        {alone && (
          <span className="small text-body-secondary d-block">
            {text.alone(number(alone.candidateAlone), number(alone.incumbentAlone), number(alone.p))}
          </span>
        )}
      </td>
      <td data-name={text.margin}>{number(margin)}</td>
      <td data-name={text.passes}>{passes ? text.yes : text.no}</td>
    </tr>
  );
}
