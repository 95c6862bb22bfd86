/** Every operation in these sources fits the schema that the server prints. */

import { buildSchema, parse, validate } from "graphql";
import { describe, expect, it } from "vitest";
import sdl from "../../schema.graphql?raw";

const OPERATION = /`((?:#.*\n)*(?:query|mutation|subscription) [^`]*)`/g;

const sources = import.meta.glob<string>("./**/*.{ts,tsx}", {
  query: "?raw",
  import: "default",
  eager: true,
});
const documents = Object.entries(sources).flatMap(([file, source]) =>
  [...source.matchAll(OPERATION)].map((match) => ({ file, document: match[1] ?? "" })),
);
const schema = buildSchema(sdl);

describe("operations", () => {
  it("are found in the sources", () => {
    expect(documents.length).toBeGreaterThan(10);
  });

  it.each(documents)("of $file fit the schema", ({ document }) => {
    expect(validate(schema, parse(document)).map((error) => error.message)).toEqual([]);
  });
});
