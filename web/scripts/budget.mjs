/** Fails where a page, opened first, fetches more than the budgets allow: kB compressed, and a number of files. */

import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const DIST = new URL("../dist/", import.meta.url);
const BUDGETS = { script: 200, styles: 40, files: 30 };

const parts = JSON.parse(readFileSync(new URL(".vite/manifest.json", DIST), "utf8"));

/** The keys of a part and of all that it imports. */
function closure(key, found = new Set()) {
  if (found.has(key)) return found;
  found.add(key);
  for (const other of parts[key].imports ?? []) closure(other, found);
  return found;
}

/** What a page fetches before it can be used. */
function fetched(keys) {
  const files = new Set([...keys].flatMap((key) => [parts[key].file, ...(parts[key].css ?? [])]));
  const kb = (ending) =>
    [...files]
      .filter((file) => file.endsWith(ending))
      .reduce((sum, file) => sum + gzipSync(readFileSync(new URL(file, DIST))).length, 0) / 1000;
  return { script: kb(".js"), styles: kb(".css"), files: files.size };
}

const frame = closure("index.html");
const pages = parts["index.html"].dynamicImports.map((key) => ({
  page: parts[key].name,
  ...fetched(closure(key, new Set(frame))),
}));

for (const { page, script, styles, files } of pages) {
  if (process.argv.includes("--list"))
    console.log(page, `${script.toFixed(1)} kB of script, ${styles.toFixed(1)} of styles, ${files} files`);
}
const over = pages.flatMap((page) =>
  Object.entries(BUDGETS)
    .filter(([what, most]) => page[what] > most)
    .map(([what, most]) => `${page.page}: ${what} ${page[what].toFixed(1)}, and ${most} are allowed`),
);
for (const line of over) console.error(line);
if (over.length) process.exit(1);
