/** Drift: whether the images that come in differ from those that judged the model in service. */

import { useId, useState } from "react";
import { AdminPage } from "../../admin/AdminPage";
import { DriftSeries } from "../../admin/DriftSeries";
import { DRIFT, type Drift } from "../../admin/drift";
import { Comparing, SignalCard } from "../../admin/SignalCard";
import { graphql } from "../../graphql/graphql";
import { useFollow } from "../../graphql/useFollow";
import { refresh, useQuery } from "../../graphql/useQuery";
import { QueryView } from "../../parts/QueryView";
import { ResearchOnly } from "../../parts/ResearchWarning";
import { Section } from "../../parts/Section";
import { admin } from "../../texts/admin";
import { drift as texts } from "../../texts/drift";
import { useFormat, useText } from "../../texts/useText";
import { toasts } from "../../toasts/toasts";

const WARNED = graphql(`subscription DriftWarned($after: Cursor) {
  driftWarned(after: $after) { cursor warning { since } }
}`);

/** A quarter of a year by weeks, a month by days. */
const PERIODS = { WEEK: 13, DAY: 30 };
type Step = keyof typeof PERIODS;

export function DriftPage() {
  return (
    <AdminPage title={useText(admin).sections.drift.name}>
      <ResearchOnly />
      <Figures />
    </AdminPage>
  );
}

function Figures() {
  const text = useText(texts);
  const [step, setStep] = useState<Step>("WEEK");
  const state = useQuery(DRIFT, { by: step, periods: PERIODS[step] });
  useFollow(WARNED, {
    heard() {
      toasts.show({ message: text.heard, tone: "failed" });
      refresh(state);
    },
    begun: () => refresh(state),
  });
  return (
    <QueryView state={state} what={text.what}>
      {({ drift }) => (
        <>
          <Signals drift={drift} />
          <section className="pt-4" aria-labelledby="series-heading">
            <div className="d-flex flex-wrap align-items-center gap-3 mb-3">
              <h2 className="h5 mb-0" id="series-heading">
                {text.series}
              </h2>
              <StepChoice step={step} onChange={setStep} />
            </div>
            <DriftSeries drift={drift} />
          </section>
        </>
      )}
    </QueryView>
  );
}

function Signals({ drift }: { drift: Drift }) {
  const text = useText(texts);
  const { number } = useFormat();
  return (
    <>
      <p className="measure">{text.lead(number(drift.model.number))}</p>
      <Section title={text.warnings}>
        <Warnings drift={drift} />
      </Section>
      <Section title={text.signals} className="pt-3">
        <div className="charts">
          {drift.signals.map((comparison) => (
            <SignalCard comparison={comparison} key={comparison.signal} />
          ))}
        </div>
      </Section>
    </>
  );
}

function Warnings({ drift: { warnings } }: { drift: Drift }) {
  const text = useText(texts);
  const { moment } = useFormat();
  if (warnings.length === 0) return <p className="text-body-secondary">{text.noWarnings}</p>;
  return warnings.map(({ since, comparison }) => (
    <div className="alert alert-warning" key={comparison.signal}>
      <p className="mb-1">
        <strong>{text.signal[comparison.signal]}</strong> {text.since(moment(since))}
      </p>
      <Comparing comparison={comparison} />
    </div>
  ));
}

function StepChoice({ step, onChange }: { step: Step; onChange: (step: Step) => void }) {
  const text = useText(texts);
  const id = useId();
  return (
    <div className="d-flex align-items-center gap-2">
      <label htmlFor={id}>{text.step}</label>
      <select
        className="form-select form-select-sm"
        id={id}
        value={step}
        onChange={(event) => onChange(event.target.value as Step)}
      >
        <option value="WEEK">{text.WEEK}</option>
        <option value="DAY">{text.DAY}</option>
      </select>
    </div>
  );
}
