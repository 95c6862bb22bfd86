/** One version: its figures, the verdict in words and numbers, its audit, and when it served. */

import { Link, useParams } from "wouter";
import { AdminPage } from "../../admin/AdminPage";
import { AuditSection } from "../../admin/AuditSection";
import { CurvesSection } from "../../admin/CurvesSection";
import { Deployments } from "../../admin/Deployments";
import { GateSection } from "../../admin/GateSection";
import { StateBadge } from "../../admin/ModelTable";
import { MODEL, type ModelOf } from "../../admin/model";
import { PromoteButton } from "../../admin/PromoteButton";
import { Told } from "../../admin/Told";
import { useQuery } from "../../graphql/useQuery";
import { EstimateBar } from "../../parts/EstimateBar";
import { here } from "../../parts/here";
import { QueryView } from "../../parts/QueryView";
import { ResearchOnly } from "../../parts/ResearchWarning";
import { Section } from "../../parts/Section";
import { SitesNotSeen } from "../../parts/SitesNotSeen";
import { admin } from "../../texts/admin";
import { home } from "../../texts/home";
import { models as texts } from "../../texts/models";
import { useFormat, useText } from "../../texts/useText";

export function ModelPage() {
  return (
    <AdminPage title={useText(admin).sections.models.name}>
      <ResearchOnly />
      <OneModel />
      <Back />
    </AdminPage>
  );
}

function Back() {
  return (
    <p className="mt-4">
      <Link href="/admin/models">{useText(texts).back}</Link>
    </p>
  );
}

function OneModel() {
  const text = useText(texts);
  const { id = "" } = useParams<{ id: string }>();
  const state = useQuery(MODEL, { id: decodeURIComponent(id) });
  return (
    <QueryView state={state} what={text.whatOne}>
      {({ node }) => (node?.__typename === "ModelVersion" ? <Whole model={node} /> : <p>{text.gone}</p>)}
    </QueryView>
  );
}

function Whole({ model }: { model: ModelOf }) {
  const text = useText(texts);
  const words = useText(admin);
  const { number, moment } = useFormat();
  return (
    <>
      <h2 className="h4">
        {words.model(number(model.number))} <StateBadge state={model.state} />
      </h2>
      <p>
        {text.about(model.backbone.toUpperCase(), model.head, number(model.trainedOn))} ·{" "}
        <time dateTime={model.createdAt}>{moment(model.createdAt)}</time>
      </p>
      {model.withdrawnLabels > 0 && (
        <p className="alert alert-warning">{text.withdrawn(number(model.withdrawnLabels))}</p>
      )}
      <div className="d-flex flex-wrap align-items-center gap-3 mb-4">
        {model.state === "IN_SERVICE" ? <span>{text.serves}</span> : <PromoteButton model={model} />}
        {model.cardUrl ? (
          <span>
            <a href={here(model.cardUrl)} hrefLang="en">
              {text.card}
            </a>
            : {text.cardHolds}
          </span>
        ) : (
          text.noCard
        )}
      </div>
      <div className="row g-4">
        <div className="col-xl-6">
          <Figures model={model} />
        </div>
        <div className="col-xl-6">
          <Verdict model={model} />
        </div>
      </div>
      <CurvesSection model={model} />
      {model.gate && <GateSection gate={model.gate} />}
      <AuditSection audit={model.audit} />
      <Section title={text.deployments} className="pt-4">
        <Deployments deployments={model.deployments} />
      </Section>
    </>
  );
}

function Figures({ model: { evaluation, elsewhere } }: { model: ModelOf }) {
  const text = useText(home).model;
  const own = useText(texts);
  const { number } = useFormat();
  return (
    <Section title={text.atHome}>
      <dl className="estimates">
        <EstimateBar name={text.sensitivity} hint={text.sensitivityHint} estimate={evaluation.sensitivity} />
        <EstimateBar name={text.specificity} hint={text.specificityHint} estimate={evaluation.specificity} />
        <EstimateBar name="AUC" hint={text.aucHint} estimate={evaluation.auc} />
      </dl>
      <p className="small text-body-secondary">
        {text.intervals(number(evaluation.positives), number(evaluation.negatives))}{" "}
        {own.calibrationOf(number(evaluation.calibrationError))}
      </p>
      <SitesNotSeen sites={elsewhere} />
    </Section>
  );
}

function Verdict({ model }: { model: ModelOf }) {
  const text = useText(texts);
  return (
    <Section title={text.verdict}>
      <p>{model.verdict ? <Told>{model.verdict}</Told> : text.noVerdict}</p>
    </Section>
  );
}
