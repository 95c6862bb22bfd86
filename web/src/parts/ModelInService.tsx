/** The model in service: what it reaches on patients of the same sources, and at sites that it has not seen. */

import { useQuery } from "../graphql/useQuery";
import { EstimateBar } from "./EstimateBar";
import type { Estimate } from "./estimate";
import { QueryView } from "./QueryView";
import { type Site, SitesNotSeen } from "./SitesNotSeen";
import { longDate } from "./text";

interface ModelVersion {
  number: number;
  backbone: string;
  head: string;
  trainedOn: number;
  createdAt: string;
  cardUrl: string | null;
  elsewhere: Site[];
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
      <h3 className="h6">At the hospitals that taught it</h3>
      <dl className="estimates">
        <EstimateBar name="Sensitivity" hint="of those with COVID, found" estimate={evaluation.sensitivity} />
        <EstimateBar name="Specificity" hint="of those without, cleared" estimate={evaluation.specificity} />
        <EstimateBar name="AUC" hint="area under the ROC curve" estimate={evaluation.auc} />
      </dl>
      <p className="small text-body-secondary">
        With 95 % intervals, on {evaluation.positives} images with and {evaluation.negatives} without COVID,
        of patients whom the model had not seen.
      </p>
      <SitesNotSeen sites={model.elsewhere} />
      {model.cardUrl && (
        <p className="mb-0">
          <a href={model.cardUrl}>Its model card</a>: data, method, audit and limits
        </p>
      )}
    </>
  );
}
