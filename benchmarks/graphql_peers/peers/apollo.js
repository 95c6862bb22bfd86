/** The schema in Apollo Server on Express, as Apollo's own guide has it; it keeps parsed and validated documents. */

import { ApolloServer } from "@apollo/server";
import { expressMiddleware } from "@as-integrations/express5";
import DataLoader from "dataloader";
import express from "express";
import GraphQLUpload from "graphql-upload/GraphQLUpload.mjs";
import graphqlUploadExpress from "graphql-upload/graphqlUploadExpress.mjs";
import { byKeys, FIELDS, IDS, JOB, SCHEMA, tell, viewerOf } from "./data.js";

const loader = (name, column) => new DataLoader((keys) => byKeys(name, column, keys));

const resolvers = {
  Upload: GraphQLUpload,
  ...IDS,
  ...FIELDS,
  Image: {
    ...IDS.Image,
    prediction: (row, _, { loaders }) => loaders.predictions.load(row.id),
    label: (row, _, { loaders }) => loaders.labels.load(row.id),
  },
  Prediction: { ...IDS.Prediction, model: (row, _, { loaders }) => loaders.models.load(row.model_id) },
  Label: { submittedBy: (row, _, { loaders }) => loaders.users.load(row.submitted_by_id) },
};

const context = async ({ req }) => ({
  viewer: await viewerOf(req.headers.authorization),
  loaders: {
    predictions: loader("predictions", "image_id"),
    labels: loader("labels", "image_id"),
    models: loader("models", "id"),
    users: loader("users", "id"),
  },
});

const server = new ApolloServer({ typeDefs: SCHEMA, resolvers });
await server.start();
const app = express();
app.use("/graphql", express.json(), graphqlUploadExpress(), expressMiddleware(server, { context }));
await tell("@apollo/server", "@as-integrations/express5", "express", "graphql", "graphql-upload", "mysql2");
app.listen(JOB.port, "127.0.0.1");
