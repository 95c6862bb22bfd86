/** The signals of drift period by period, drawn and in a table. */

import { drift as texts } from "../texts/drift";
import { useFormat, useText } from "../texts/useText";
import { type Drift, figureOf, isShare, SIGNALS, type Signal, someOf } from "./drift";
import { LineChart } from "./LineChart";
import { useSignalWords } from "./SignalCard";

export function DriftSeries({ drift }: { drift: Drift }) {
  const text = useText(texts);
  return (
    <>
      <div className="charts">
        {SIGNALS.map((signal) => (
          <Chart drift={drift} signal={signal} key={signal} />
        ))}
      </div>
      {drift.reference && <p className="small text-body-secondary">{text.dashed}</p>}
      <details>
        <summary>{text.table}</summary>
        <Values drift={drift} />
      </details>
    </>
  );
}

function Chart({ drift: { series, reference }, signal }: { drift: Drift; signal: Signal }) {
  const text = useText(texts);
  const { number, day } = useFormat();
  const { value } = useSignalWords();
  const points = series.map(({ figures }, place) => ({ x: place, y: figureOf(signal, figures) }));
  const days = series.map(({ begin }) => day(begin));
  const isEmpty = points.every(({ y }) => y === null);
  return (
    <figure className="mb-0">
      <figcaption className="small fw-semibold">{text.signal[signal]}</figcaption>
      {isEmpty ? (
        <p className="text-body-secondary">{text.noSeries}</p>
      ) : (
        <LineChart
          points={points}
          from={0}
          to={series.length - 1}
          xTicks={someOf(series.length, 4)}
          xWords={(place) => days[place] ?? ""}
          yWords={(of) => (isShare(signal) ? `${number(Math.round(100 * of))} %` : value(signal, of))}
          reference={reference && figureOf(signal, reference)}
          words={text.chartWords(text.signal[signal], number(series.length))}
        />
      )}
    </figure>
  );
}

function Values({ drift: { series } }: { drift: Drift }) {
  const text = useText(texts);
  const { number, day } = useFormat();
  const { value } = useSignalWords();
  return (
    <table className="table stacked numbers">
      <caption className="visually-hidden">{text.series}</caption>
      <thead>
        <tr>
          <th scope="col">{text.from}</th>
          <th scope="col">{text.images}</th>
          {SIGNALS.map((signal) => (
            <th scope="col" key={signal}>
              {text.signal[signal]}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {series.map(({ begin, figures }) => (
          <tr key={begin}>
            <th scope="row" className="fw-normal">
              {day(begin)}
            </th>
            <td data-name={text.images}>{number(figures.images)}</td>
            {SIGNALS.map((signal) => {
              const of = figureOf(signal, figures);
              return (
                <td data-name={text.signal[signal]} key={signal}>
                  {of === null ? "–" : value(signal, of)}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
