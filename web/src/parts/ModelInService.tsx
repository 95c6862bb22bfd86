/** The model that makes the predictions now, with its figures at home and elsewhere. */

import { graphql, type ResultOf } from "../graphql/graphql";
import { useQuery } from "../graphql/useQuery";
import { home } from "../texts/home";
import { useFormat, useLanguage, useText } from "../texts/useText";
import { EstimateBar } from "./EstimateBar";
import { here } from "./here";
import { QueryView } from "./QueryView";
import { Card } from "./Section";
import { SitesNotSeen } from "./SitesNotSeen";

const QUERY = graphql(`query ModelInService {
  model {
    number backbone head trainedOn createdAt cardUrl
    evaluation {
      sensitivity { value low high }
      specificity { value low high }
      auc { value low high }
      positives negatives
    }
    elsewhere {
      taughtBy shown positives negatives
      sensitivity { value low high }
      specificity { value low high }
      auc { value low high }
    }
  }
}`);

type Model = ResultOf<typeof QUERY>["model"];

export function ModelInService() {
  const text = useText(home).model;
  const state = useQuery(QUERY, {});
  return (
    <Card title={text.heading} heading="h4 card-title">
      <QueryView state={state} what={text.what}>
        {({ model }) => <Figures model={model} />}
      </QueryView>
    </Card>
  );
}

function Figures({ model }: { model: Model }) {
  const text = useText(home).model;
  const { date, number } = useFormat();
  const { evaluation } = model;
  return (
    <>
      <p className="text-body-secondary">
        {text.of(model.number, model.backbone.toUpperCase(), model.head, number(model.trainedOn))}{" "}
        <time dateTime={model.createdAt}>{date(model.createdAt)}</time>
      </p>
      <h3 className="h6">{text.atHome}</h3>
      <dl className="estimates">
        <EstimateBar name={text.sensitivity} hint={text.sensitivityHint} estimate={evaluation.sensitivity} />
        <EstimateBar name={text.specificity} hint={text.specificityHint} estimate={evaluation.specificity} />
        <EstimateBar name="AUC" hint={text.aucHint} estimate={evaluation.auc} />
      </dl>
      <p className="small text-body-secondary">
        {text.intervals(number(evaluation.positives), number(evaluation.negatives))}
      </p>
      <SitesNotSeen sites={model.elsewhere} />
      {model.cardUrl && <CardLink url={here(model.cardUrl)} />}
    </>
  );
}

function CardLink({ url }: { url: string }) {
  const text = useText(home).model;
  const { language } = useLanguage();
  return (
    <p className="mb-0">
      <a href={url} hrefLang="en">
        {text.card}
      </a>
      : {text.cardHolds}
      {language !== "en" && ` (${text.cardLanguage})`}
    </p>
  );
}
