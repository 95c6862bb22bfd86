/** Fails where a page, opened first, fetches more compressed script than the budget allows. */

import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const DIST = new URL("../dist/", import.meta.url);
const BUDGET_KB = 200;

const parts = JSON.parse(readFileSync(new URL(".vite/manifest.json", DIST), "utf8"));

/** The keys of a part and of all that it imports. */
function closure(key, found = new Set()) {
  if (found.has(key)) return found;
  found.add(key);
  for (const other of parts[key].imports ?? []) closure(other, found);
  return found;
}

function compressedKb(keys) {
  const files = [...keys].map((key) => parts[key].file).filter((file) => file.endsWith(".js"));
  return files.reduce((sum, file) => sum + gzipSync(readFileSync(new URL(file, DIST))).length, 0) / 1000;
}

const frame = closure("index.html");
const pages = parts["index.html"].dynamicImports.map((key) => ({
  page: parts[key].name,
  kb: compressedKb(closure(key, new Set(frame))),
}));
const heaviest = pages.reduce((one, other) => (one.kb > other.kb ? one : other));

if (process.argv.includes("--list")) for (const { page, kb } of pages) console.log(page, kb.toFixed(1));
if (heaviest.kb > BUDGET_KB) {
  console.error(`${heaviest.page} fetches ${heaviest.kb.toFixed(1)} kB of script; ${BUDGET_KB} are allowed`);
  process.exit(1);
}
