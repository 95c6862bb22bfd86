/** The schema in Mercurius on Fastify, compiled by its JIT from a document's first execution on, with its own loaders. */

import Fastify from "fastify";
import { GraphQLUpload } from "graphql-upload-minimal";
import mercurius from "mercurius";
import upload from "mercurius-upload";
import { byKeys, FIELDS, IDS, JOB, SCHEMA, tell, viewerOf } from "./data.js";

/** Without the loaders' cache, whose keys are whole rows as JSON; a key that is asked for twice is read once. */
const loading = (name, column, keyOf) => ({
  loader: async (queries) => {
    const keys = queries.map(({ obj }) => keyOf(obj));
    const distinct = [...new Set(keys)];
    const found = new Map((await byKeys(name, column, distinct)).map((row, at) => [distinct[at], row]));
    return keys.map((key) => found.get(key));
  },
  opts: { cache: false },
});

const loaders = {
  Image: {
    prediction: loading("predictions", "image_id", (row) => row.id),
    label: loading("labels", "image_id", (row) => row.id),
  },
  Prediction: { model: loading("models", "id", (row) => row.model_id) },
  Label: { submittedBy: loading("users", "id", (row) => row.submitted_by_id) },
};

const app = Fastify();
app.register(upload);
app.register(mercurius, {
  schema: SCHEMA,
  resolvers: { Upload: GraphQLUpload, ...IDS, ...FIELDS },
  loaders,
  jit: 1,
  context: async (request) => ({ viewer: await viewerOf(request.headers.authorization) }),
});
await tell("mercurius", "fastify", "graphql", "graphql-jit", "mercurius-upload", "mysql2");
await app.listen({ port: JOB.port, host: "127.0.0.1" });
