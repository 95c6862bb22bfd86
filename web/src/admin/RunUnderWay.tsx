/** The run under way: where it stands and why, how far it has come, and its losses. */

import { graphql } from "../graphql/graphql";
import { useMutate } from "../graphql/useMutate";
import { Card } from "../parts/Section";
import { retraining as texts } from "../texts/retraining";
import { useFormat, useText } from "../texts/useText";
import { toasts } from "../toasts/toasts";
import { ActionButton } from "./ActionButton";
import { type Epoch, stepOf } from "./curve";
import { LineChart } from "./LineChart";
import type { Run } from "./NextRun";
import { Told } from "./Told";

const CANCEL = graphql(`mutation CancelRetraining {
  cancelRetraining { run { id } errors { code message path } }
}`);

export function RunUnderWay({ run, epochs }: { run: Run | null; epochs: readonly Epoch[] }) {
  const text = useText(texts);
  return (
    <Card title={text.run} className="card h-100">
      {run ? (
        <Progress run={run} epochs={epochs} />
      ) : (
        <p className="text-body-secondary mb-0">{text.noRun}</p>
      )}
    </Card>
  );
}

function Progress({ run, epochs }: { run: Run; epochs: readonly Epoch[] }) {
  const text = useText(texts);
  const { number } = useFormat();
  return (
    <>
      <p className="mb-1" role="status">
        <strong>{text.state[run.state]}</strong> · <Told>{run.reason}</Told>
      </p>
      <progress className="bar" aria-label={text.progress} value={run.epoch} max={run.epochs} />
      <p className="small text-body-secondary">
        {text.epochs(number(run.epoch), number(run.epochs))}
        {run.loss !== null && ` · ${text.lossIs(number(run.loss))}`} · <TimeLeft seconds={run.secondsLeft} />
      </p>
      {epochs.length > 1 && <LossCurve run={run} epochs={epochs} />}
      <Cancel />
    </>
  );
}

function TimeLeft({ seconds }: { seconds: number | null }) {
  const text = useText(texts);
  const { number } = useFormat();
  if (seconds === null) return text.timeUnknown;
  return seconds < 60 ? text.timeLeftShort : text.timeLeft(number(Math.round(seconds / 60)));
}

function LossCurve({ run, epochs }: { run: Run; epochs: readonly Epoch[] }) {
  const text = useText(texts);
  const { number } = useFormat();
  const step = Math.max(stepOf(run.epochs, 6), 1);
  const marks = Array.from({ length: Math.floor(run.epochs / step) }, (_, place) => (place + 1) * step);
  const words = text.lossWords(
    number(epochs.length),
    number(epochs[0]?.loss ?? 0),
    number(epochs.at(-1)?.loss ?? 0),
  );
  return (
    <figure>
      <figcaption className="small fw-semibold">{text.loss}</figcaption>
      <LineChart
        points={epochs.map(({ epoch, loss }) => ({ x: epoch, y: loss }))}
        from={1}
        to={run.epochs}
        xTicks={[1, ...marks.filter((mark) => mark > 1)]}
        xWords={number}
        yWords={number}
        words={words}
      />
      {epochs.length < run.epoch && <p className="small text-body-secondary">{text.lossSince}</p>}
    </figure>
  );
}

function Cancel() {
  const text = useText(texts);
  const [send] = useMutate(CANCEL);
  return (
    <ActionButton
      name={text.cancel}
      look="btn-outline-danger"
      send={() => send({})}
      done={() => toasts.show({ message: text.cancelled, tone: "done" })}
    >
      <p>{text.cancelLead}</p>
    </ActionButton>
  );
}
