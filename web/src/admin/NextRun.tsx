/** How near the next run is, and the run under way, live. */

import { useState } from "react";
import { graphql, type ResultOf } from "../graphql/graphql";
import { useFollow } from "../graphql/useFollow";
import { useMutate } from "../graphql/useMutate";
import { refresh, useQuery } from "../graphql/useQuery";
import { QueryView } from "../parts/QueryView";
import { Card } from "../parts/Section";
import { retraining as texts } from "../texts/retraining";
import { useFormat, useText } from "../texts/useText";
import { toasts } from "../toasts/toasts";
import { ActionButton } from "./ActionButton";
import { RunUnderWay } from "./RunUnderWay";
import { Told } from "./Told";

const STATUS = graphql(`query Retraining {
  retraining {
    newLabels threshold waitsFor
    run { id state epoch epochs loss losses secondsLeft reason }
  }
}`);

const PROGRESS = graphql(`subscription TrainingProgress($after: Cursor) {
  trainingProgress(after: $after) { cursor run { id state epoch epochs loss losses secondsLeft reason } }
}`);

const LABELS = graphql(`subscription LabelSubmitted($after: Cursor) {
  labelSubmitted(after: $after) { cursor retraining { newLabels } }
}`);

const START = graphql(`mutation RequestRetraining {
  requestRetraining { run { id } errors { code message path } }
}`);

type Status = ResultOf<typeof STATUS>["retraining"];
export type Run = NonNullable<Status["run"]>;

const UNDER_WAY: readonly Run["state"][] = ["QUEUED", "TRAINING", "EVALUATING"];

interface Props {
  /** A run has come to its end. */
  ended: () => void;
}

export function NextRun({ ended }: Props) {
  const text = useText(texts);
  const state = useQuery(STATUS, {});
  const heard = useProgress(() => refresh(state), ended);
  useFollow(LABELS, { heard: () => refresh(state), begun: () => refresh(state) });
  return (
    <QueryView state={state} what={text.what}>
      {({ retraining }) => {
        const run = retraining.run?.id === heard?.id ? heard : retraining.run;
        return (
          <div className="row g-4">
            <div className="col-xl-5">
              <Waiting status={retraining} run={run} />
            </div>
            <div className="col-xl-7">
              <RunUnderWay run={run} />
            </div>
          </div>
        );
      }}
    </QueryView>
  );
}

/** The run under way as it was last heard of. */
function useProgress(retry: () => void, ended: () => void): Run | null {
  const text = useText(texts);
  const [run, setRun] = useState<Run | null>(null);
  useFollow(PROGRESS, {
    heard({ trainingProgress: { run } }) {
      setRun(UNDER_WAY.includes(run.state) ? run : null);
      if (run.state !== "TRAINING") retry();
      if (UNDER_WAY.includes(run.state)) return;
      toasts.show({ message: text.ended(text.state[run.state]), tone: "done" });
      ended();
    },
    begun: retry,
  });
  return run;
}

function Waiting({ status, run }: { status: Status; run: Run | null }) {
  const text = useText(texts);
  const { number } = useFormat();
  return (
    <Card title={text.next} className="card h-100">
      <p className="mb-1">{text.labels(number(status.newLabels), number(status.threshold))}</p>
      <progress
        className="bar"
        aria-label={text.labels(number(status.newLabels), number(status.threshold))}
        value={Math.min(status.newLabels, status.threshold)}
        max={status.threshold}
      />
      <p>{run ? text.waits : status.waitsFor ? <Told>{status.waitsFor}</Told> : text.due}</p>
      {!run && <Start />}
    </Card>
  );
}

function Start() {
  const text = useText(texts);
  const [send] = useMutate(START);
  return (
    <ActionButton
      name={text.start}
      look="btn-primary"
      send={() => send({})}
      done={() => toasts.show({ message: text.started, tone: "done" })}
    >
      <p>{text.startLead}</p>
    </ActionButton>
  );
}
