/** The curves behind a version's figures: its ROC curve, and how its probabilities compare with the frequencies. */

import { useEstimateWords } from "../parts/estimate";
import { Section } from "../parts/Section";
import { models as texts } from "../texts/models";
import { useFormat, useText } from "../texts/useText";
import { pathOf } from "./LineChart";
import type { ModelOf } from "./model";
import { SPECIFICITIES, sensitivityAt } from "./roc";
import { SharePlot } from "./SharePlot";

type Curves = NonNullable<ModelOf["curves"]>;

export function CurvesSection({ model: { curves, evaluation } }: { model: ModelOf }) {
  const text = useText(texts);
  return (
    <Section title={text.curves} className="pt-4">
      {curves ? (
        <div className="charts">
          <Roc roc={curves.roc} evaluation={evaluation} />
          <Calibration bins={curves.calibration} />
        </div>
      ) : (
        <p className="text-body-secondary">{text.noCurves}</p>
      )}
    </Section>
  );
}

function Roc({ roc, evaluation }: { roc: Curves["roc"]; evaluation: ModelOf["evaluation"] }) {
  const text = useText(texts);
  const { percent } = useFormat();
  const [sensitivity, specificity] = [evaluation.sensitivity.value, evaluation.specificity.value];
  return (
    <figure>
      <figcaption className="small fw-semibold">{text.roc}</figcaption>
      <SharePlot
        words={text.rocWords(percent(evaluation.auc.value), percent(sensitivity), percent(specificity))}
        across={text.falseAlarms}
        up={text.columns.sensitivity}
      >
        {(x, y) => (
          <>
            <path
              className="chart-line"
              d={pathOf(
                roc.map((point) => ({ x: 1 - point.specificity, y: point.sensitivity })),
                x,
                y,
              )}
            />
            <circle className="chart-point" cx={x(1 - specificity)} cy={y(sensitivity)} r="5" />
          </>
        )}
      </SharePlot>
      <p className="small text-body-secondary">{text.rocHint}</p>
      <details>
        <summary>{text.inTable}</summary>
        <table className="table table-sm numbers w-auto">
          <caption className="visually-hidden">{text.roc}</caption>
          <thead>
            <tr>
              <th scope="col">{text.specificityFrom}</th>
              <th scope="col">{text.columns.sensitivity}</th>
            </tr>
          </thead>
          <tbody>
            {SPECIFICITIES.map((least) => (
              <tr key={least}>
                <th scope="row" className="fw-normal">
                  {percent(least)}
                </th>
                <td>{percent(sensitivityAt(roc, least))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </figure>
  );
}

function Calibration({ bins }: { bins: Curves["calibration"] }) {
  const text = useText(texts);
  const { number, percent } = useFormat();
  const inWords = useEstimateWords();
  return (
    <figure>
      <figcaption className="small fw-semibold">{text.calibrationPlot}</figcaption>
      <SharePlot
        words={text.calibrationWords(number(bins.length))}
        across={text.probability}
        up={text.frequency}
      >
        {(x, y) =>
          bins.map(({ probability, frequency: { value, low, high }, images }) => (
            <g key={probability}>
              <line
                className="chart-interval"
                x1={x(probability)}
                x2={x(probability)}
                y1={y(low)}
                y2={y(high)}
              />
              <circle className="chart-point" cx={x(probability)} cy={y(value)} r={3 + Math.log10(images)} />
            </g>
          ))
        }
      </SharePlot>
      <p className="small text-body-secondary">{text.calibrationHint}</p>
      <details>
        <summary>{text.inTable}</summary>
        <table className="table table-sm numbers w-auto">
          <caption className="visually-hidden">{text.calibrationPlot}</caption>
          <thead>
            <tr>
              <th scope="col">{text.probability}</th>
              <th scope="col">{text.frequency}</th>
              <th scope="col">{text.images}</th>
            </tr>
          </thead>
          <tbody>
            {bins.map(({ probability, frequency, images }) => (
              <tr key={probability}>
                <th scope="row" className="fw-normal">
                  {percent(probability)}
                </th>
                <td>{inWords(frequency)}</td>
                <td>{number(images)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </figure>
  );
}
