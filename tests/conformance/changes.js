/**
 * Tells how one schema differs from an earlier one, and fails where that breaks clients.
 *
 * node changes.js EARLIER.graphql LATER.graphql
 */

import { readFile } from "node:fs/promises";
import { CriticalityLevel, DiffRule, diff } from "@graphql-inspector/core";
import { buildSchema } from "graphql";

const [earlier, later] = await Promise.all(
  process.argv.slice(2).map(async (file) => buildSchema(await readFile(file, "utf8"))),
);
const changes = await diff(earlier, later, [
  DiffRule.suppressRemovalOfDeprecatedField,
  DiffRule.ignoreDescriptionChanges,
]);
const breaking = changes.filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking);

for (const { criticality, message } of changes) console.log(`${criticality.level}: ${message}`);
if (breaking.length > 0) {
  console.error(
    `${breaking.length} of these break clients of the last release: keep what they use, and deprecate it first.`,
  );
  process.exitCode = 1;
}
