/** The operations of the pages, found in their sources, and the manifest of the texts that they send. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { formatDocument, stringifyDocument } from "@urql/core";
import { initGraphQLTada } from "gql.tada";
import type { DocumentNode } from "graphql";

const SRC = new URL("../src/", import.meta.url);
const CALL = /const (\w+) = graphql\(\s*`([^`]*)`(?:,\s*\[([\w,\s]*)\],?)?\s*\)/g;
const graphql = initGraphQLTada<never>() as unknown as (
  text: string,
  fragments: DocumentNode[],
) => DocumentNode;

interface Written {
  name: string;
  text: string;
  fragments: string[];
}

function sources(): string[] {
  return readdirSync(SRC, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.tsx?$/.test(file) && !file.includes(".test."))
    .map((file) => readFileSync(new URL(file, SRC), "utf8"));
}

/** What is written as `const NAME = graphql(…)`. Throws where it is written otherwise. */
function written(source: string): Written[] {
  const found = [...source.matchAll(CALL)].map(([, name = "", text = "", fragments = ""]) => ({
    name,
    text,
    fragments: fragments.split(",").flatMap((one) => one.trim() || []),
  }));
  if (found.length !== source.split(" graphql(").length - 1) {
    throw new Error(`an operation is not written as const NAME = graphql(\`…\`) in:\n${source}`);
  }
  return found;
}

const isFragment = ({ text }: Written) => text.startsWith("fragment");

/** Every operation, with the fragments that it spreads. */
export function operations(): DocumentNode[] {
  const all = sources().flatMap(written);
  const fragments = new Map(all.filter(isFragment).map((one) => [one.name, one]));
  const document = ({ text, fragments: names }: Written): DocumentNode =>
    graphql(
      text,
      names.map((name) => document(fragments.get(name) as Written)),
    );
  return all.filter((one) => !isFragment(one)).map(document);
}

/** The texts in which an operation is sent: urql's cache asks for `__typename` everywhere, others do not. */
function texts(document: DocumentNode): string[] {
  return [stringifyDocument(document), stringifyDocument(formatDocument(document) as DocumentNode)];
}

/** An object of hashes and texts, as COVIDXR_TRUSTED_DOCUMENTS takes it. */
export function manifest(): Record<string, string> {
  const sent = operations().flatMap(texts);
  return Object.fromEntries(sent.map((text) => [createHash("sha256").update(text).digest("hex"), text]));
}
