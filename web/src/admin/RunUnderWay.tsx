/** The run under way: where it stands and why, how far it has come, and its losses. */

import { graphql } from "../graphql/graphql";
import { useMutate } from "../graphql/useMutate";
import { Card } from "../parts/Section";
import { retraining as texts } from "../texts/retraining";
import { useFormat, useText } from "../texts/useText";
import { toasts } from "../toasts/toasts";
import { ActionButton } from "./ActionButton";
import { LossCurve } from "./LossCurve";
import type { Run } from "./NextRun";
import { Told } from "./Told";

const CANCEL = graphql(`mutation CancelRetraining {
  cancelRetraining { run { id } errors { code message path } }
}`);

export function RunUnderWay({ run }: { run: Run | null }) {
  const text = useText(texts);
  return (
    <Card title={text.run} className="card h-100">
      {run ? <Progress run={run} /> : <p className="text-body-secondary mb-0">{text.noRun}</p>}
    </Card>
  );
}

function Progress({ run }: { run: Run }) {
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
      <LossCurve losses={run.losses} epochs={run.epochs} />
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
