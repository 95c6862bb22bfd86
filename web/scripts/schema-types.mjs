/**
 * Writes ../schema.graphql as types, from which gql.tada types every operation: into src/graphql/schema.d.ts, or
 * into the file that is named.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { minifyIntrospection, outputIntrospectionFile } from "@gql.tada/internal";
import { buildSchema, introspectionFromSchema } from "graphql";

const SDL = new URL("../../schema.graphql", import.meta.url);
const TYPES = process.argv[2] ?? new URL("../src/graphql/schema.d.ts", import.meta.url);

const introspection = introspectionFromSchema(buildSchema(readFileSync(SDL, "utf8")), {
  descriptions: false,
});
writeFileSync(
  TYPES,
  outputIntrospectionFile(minifyIntrospection(introspection), { fileType: ".d.ts", shouldPreprocess: true }),
);
