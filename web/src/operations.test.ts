/** Every operation in these sources fits the schema that the server prints, and is in the manifest. */

import { buildSchema, parse, validate } from "graphql";
import { describe, expect, it } from "vitest";
import sdl from "../../schema.graphql?raw";
import { manifest } from "../scripts/operations";
import { formOf } from "./graphql/upload";

const WRITTEN = /`(?:#.*\n)*(?:query|mutation|subscription) (\w+)/g;

const sources = import.meta.glob<string>(["./**/*.{ts,tsx}", "!./graphiql/tabs.ts", "!./**/*.test.ts"], {
  query: "?raw",
  import: "default",
  eager: true,
});
const written = Object.values(sources).flatMap((source) =>
  [...source.matchAll(WRITTEN)].map((match) => match[1] ?? ""),
);
const schema = buildSchema(sdl);
const texts = Object.values(manifest());

describe("the manifest", () => {
  it("has every operation that is written in the sources", () => {
    expect(written.length).toBeGreaterThan(40);
    const named = texts.map((text) => /^\w+ (\w+)/.exec(text)?.[1] ?? text);
    expect(new Set(named)).toEqual(new Set(written));
  });

  it.each(texts)("has what fits the schema: %s", (text) => {
    expect(validate(schema, parse(text)).map((error) => error.message)).toEqual([]);
  });

  it("asks for no token: the session is a cookie, which no script can read", () => {
    expect(texts.filter((text) => /\btoken\b/.test(text))).toEqual([]);
  });

  it("has the text of an upload, which goes by another way", () => {
    const form = formOf(new File(["x"], "chest.png"), {});
    expect(texts).toContain(JSON.parse(form.get("operations") as string).query);
  });
});
