/** One version with all that is known of it. */

import { graphql, type ResultOf } from "../graphql/graphql";

export const MODEL = graphql(`query Model($id: ID!) {
  node(id: $id) {
    __typename
    ... on ModelVersion {
      id number state head backbone trainedOn createdAt verdict withdrawnLabels cardUrl
      evaluation {
        sensitivity { value low high }
        specificity { value low high }
        auc { value low high }
        calibrationError positives negatives
      }
      elsewhere {
        taughtBy shown positives negatives
        sensitivity { value low high }
        specificity { value low high }
        auc { value low high }
      }
      curves {
        roc { specificity sensitivity }
        calibration { probability frequency { value low high } images }
      }
      gate {
        comparisons {
          name candidate incumbent margin passes
          difference { value low high }
          alone { candidateAlone incumbentAlone p }
        }
        sizes { name patients needed }
      }
      audit {
        followsBorder borderLimit films
        border { value low high }
        changes {
          name
          auc { value low high }
          changed { value low high }
          reversed { value low high }
          refused { value low high }
        }
      }
      deployments { since until reason decidedBy { name } }
    }
  }
}`);

type NodeOf = NonNullable<ResultOf<typeof MODEL>["node"]>;
export type ModelOf = Extract<NodeOf, { __typename: "ModelVersion" }>;
export type Gate = NonNullable<ModelOf["gate"]>;
export type Audit = NonNullable<ModelOf["audit"]>;
