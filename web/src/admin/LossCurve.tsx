/** The losses of a run, epoch by epoch, drawn and in a table. */

import { retraining as texts } from "../texts/retraining";
import { useFormat, useText } from "../texts/useText";
import { stepOf } from "./curve";
import { LineChart } from "./LineChart";

interface Props {
  /** Of each epoch done; null where it has diverged. */
  losses: readonly (number | null)[];
  /** Those to do. */
  epochs: number;
}

/** Nothing before the second epoch: a line needs two ends. */
export function LossCurve({ losses, epochs }: Props) {
  const text = useText(texts);
  const { number } = useFormat();
  if (losses.length < 2) return null;
  const step = Math.max(stepOf(epochs, 6), 1);
  const marks = Array.from({ length: Math.floor(epochs / step) }, (_, place) => (place + 1) * step);
  const told = (loss: number | null | undefined) => (loss == null ? text.diverged : number(loss));
  return (
    <figure>
      <figcaption className="small fw-semibold">{text.loss}</figcaption>
      <LineChart
        points={losses.map((loss, place) => ({ x: place + 1, y: loss }))}
        from={1}
        to={epochs}
        xTicks={[1, ...marks.filter((mark) => mark > 1)]}
        xWords={number}
        yWords={number}
        words={text.lossWords(number(losses.length), told(losses[0]), told(losses.at(-1)))}
      />
      <details>
        <summary>{text.lossTable}</summary>
        <table className="table table-sm numbers w-auto">
          <caption className="visually-hidden">{text.loss}</caption>
          <thead>
            <tr>
              <th scope="col">{text.epoch}</th>
              <th scope="col">{text.loss}</th>
            </tr>
          </thead>
          <tbody>
            {losses.map((loss, place) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: an epoch is known by its number
              <tr key={place}>
                <th scope="row" className="fw-normal">
                  {number(place + 1)}
                </th>
                <td>{told(loss)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </figure>
  );
}
