/** The model in service and how well it did on images held out by patient. */

import { useQuery } from "../graphql/useQuery";
import { EstimateBar } from "./EstimateBar";
import type { Estimate } from "./estimate";
import { QueryView } from "./QueryView";
import { longDate } from "./text";

interface ModelVersion {
  number: number;
  backbone: string;
  head: string;
  trainedOn: number;
  createdAt: string;
  evaluation: {
    sensitivity: Estimate;
    specificity: Estimate;
    auc: Estimate;
    positives: number;
    negatives: number;
  };
}

const QUERY = `query ModelInService {
  model {
    number backbone head trainedOn createdAt
    evaluation {
      sensitivity { value low high }
      specificity { value low high }
      auc { value low high }
      positives negatives
    }
  }
}`;

export function ModelInService() {
  const state = useQuery<{ model: ModelVersion }>(QUERY);
  return (
    <section className="card" aria-labelledby="model-heading">
      <div className="card-body">
        <h2 className="h4 card-title" id="model-heading">
          The model in service
        </h2>
        <QueryView state={state} what="the model">
          {({ model }) => <Model model={model} />}
        </QueryView>
      </div>
    </section>
  );
}

function Model({ model }: { model: ModelVersion }) {
  const { evaluation } = model;
  return (
    <>
      <p className="text-body-secondary">
        Model {model.number} of <time dateTime={model.createdAt}>{longDate(model.createdAt)}</time>:{" "}
        {model.backbone.toUpperCase()} with head {model.head}, trained on {model.trainedOn.toLocaleString()}{" "}
        images
      </p>
      <dl className="estimates">
        <EstimateBar name="Sensitivity" hint="of those with COVID, found" estimate={evaluation.sensitivity} />
        <EstimateBar name="Specificity" hint="of those without, cleared" estimate={evaluation.specificity} />
        <EstimateBar name="AUC" hint="area under the ROC curve" estimate={evaluation.auc} />
      </dl>
      <p className="small text-body-secondary mb-0">
        With 95 % intervals, on {evaluation.positives} images with and {evaluation.negatives} without COVID,
        of patients whom the model had not seen but from the same sources. On other hospitals’ images it can
        do far worse.
      </p>
    </>
  );
}
