import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";
import { manifest } from "./scripts/operations.ts";

/** For deployments that admit the operations of manifests alone: beside the pages lies theirs. */
const persistedDocuments: Plugin = {
  name: "persisted-documents",
  generateBundle() {
    this.emitFile({
      type: "asset",
      fileName: "persisted-documents.json",
      source: JSON.stringify(manifest()),
    });
  },
};

export default defineConfig({
  plugins: [react(), persistedDocuments],
  build: {
    // scripts/budget.mjs reads from it what each page fetches.
    manifest: true,
    rolldownOptions: {
      input: ["index.html", "graphiql.html"],
      // React's compiler left directives in GraphiQL's modules; they mean nothing to a browser.
      checks: { moduleLevelDirective: false, bundlerTimings: false },
    },
    // GraphiQL's editor is one large part, loaded on its own page alone.
    chunkSizeWarningLimit: 4096,
  },
  // Bootstrap 5 is written with the older @import.
  css: { preprocessorOptions: { scss: { quietDeps: true, silenceDeprecations: ["import"] } } },
  // `npm run dev` shows the pages as they are edited, against a server that runs beside it.
  server: {
    proxy: Object.fromEntries(
      ["/graphql", "/images", "/heatmaps", "/thumbnails", "/models"].map((path) => [
        path,
        { target: "http://127.0.0.1:8000", ws: path === "/graphql" },
      ]),
    ),
  },
});
