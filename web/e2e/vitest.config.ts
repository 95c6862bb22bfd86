/** Tests in a real browser against a real server: `make browser` starts both. */

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["e2e/*.e2e.ts"],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    // One story after another, in one browser.
    fileParallelism: false,
    // Within a story each step needs the one before: the others would but wait in vain.
    bail: 1,
  },
});
