/** What graphql-eslint asks of the schema: all that it recommends, and Relay's rules. Run from the repository root. */

import graphql from "@graphql-eslint/eslint-plugin";

// Objects without an id are parts of the object that shows them, or of an answer: nobody can ask for one again.
const PARTS = {
  figures: [
    "Band",
    "CalibrationBin",
    "Curves",
    "Difference",
    "Discordance",
    "Elsewhere",
    "Estimate",
    "Evaluation",
    "RocPoint",
    "SourcesTold",
  ],
  "an audit": ["Audit", "AuditChange"],
  "the gate's verdict": ["GateComparison", "GateSize", "GateVerdict"],
  drift: [
    "Drift",
    "DriftAbstentions",
    "DriftComparison",
    "DriftDifference",
    "DriftFigures",
    "DriftPeriod",
    "DriftWarning",
  ],
  "images, models and runs": [
    "Deployment",
    "FeatureProgress",
    "FindingChange",
    "LeftOut",
    "RetrainingStatus",
  ],
  payloads: ["UploadResult", "UserError"],
  connections: ["PageInfo"],
  "events, which have a cursor": [
    "DriftWarned",
    "FindingChanged",
    "LabelSubmitted",
    "LabelsWithdrawn",
    "ModelPromoted",
    "NewsPublished",
    "PredictionMade",
    "TrainingProgress",
  ],
};

export default [
  {
    files: ["schema.graphql"],
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { schema: "schema.graphql" } },
    },
    plugins: { "@graphql-eslint": graphql },
    rules: {
      ...graphql.configs["flat/schema-recommended"].rules,
      ...graphql.configs["flat/schema-relay"].rules,
      "@graphql-eslint/strict-id-in-types": [
        "error",
        {
          exceptions: {
            suffixes: ["Connection", "Edge", "Payload"],
            types: Object.values(PARTS).flat(),
          },
        },
      ],
      // Lists are of edges in connections. Elsewhere they are short and whole, as `errors` are.
      "@graphql-eslint/relay-edge-types": ["error", { listTypeCanWrapOnlyEdgeType: false }],
    },
  },
];
