/** Every operation in these sources fits the schema that the server prints. */

import { buildSchema, parse, validate } from "graphql";
import { describe, expect, it } from "vitest";
import sdl from "../../schema.graphql?raw";

const OPERATION = /`((?:#.*\n)*(?:query|mutation|subscription) [^`]*)`/g;
const FRAGMENT = /`(fragment (\w+) on [^`]*)`/g;

const sources = import.meta.glob<string>("./**/*.{ts,tsx}", {
  query: "?raw",
  import: "default",
  eager: true,
});
const documents = Object.entries(sources).flatMap(([file, source]) =>
  [...source.matchAll(OPERATION)].map((match) => ({ file, document: match[1] ?? "" })),
);
const fragments = Object.values(sources).flatMap((source) =>
  [...source.matchAll(FRAGMENT)].map((match) => ({ name: match[2] ?? "", definition: match[1] ?? "" })),
);
const schema = buildSchema(sdl);

/** The operation with the fragments that it spreads. */
function whole(document: string): string {
  const spread = fragments.filter(({ name }) => document.includes(`...${name}`));
  return [document, ...spread.map(({ definition }) => definition)].join("\n");
}

describe("operations", () => {
  it("are found in the sources", () => {
    expect(documents.length).toBeGreaterThan(10);
  });

  it.each(documents)("of $file fit the schema", ({ document }) => {
    expect(validate(schema, parse(whole(document))).map((error) => error.message)).toEqual([]);
  });
});
