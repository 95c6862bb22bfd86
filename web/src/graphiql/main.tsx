/** Puts GraphiQL into graphiql.html. The address /graphql#docs opens it with the documentation. */

import { explorerPlugin } from "@graphiql/plugin-explorer";
import "@graphiql/plugin-explorer/style.css";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import "graphiql/setup-workers/vite";
import "graphiql/style.css";
import { buildSchema } from "graphql";
import { createRoot } from "react-dom/client";
import sdl from "../../../schema.graphql?raw";
import { Account } from "./Account";
import { fetcher } from "./fetcher";
import "./graphiql.css";
import { TABS } from "./tabs";

const PLUGINS = [HISTORY_PLUGIN, explorerPlugin({ showAttribution: false })];
// It comes with the page: the server tells it to nobody who has not signed in.
const SCHEMA = buildSchema(sdl);

const root = document.getElementById("root");
if (!root) throw new Error("graphiql.html has no #root");
createRoot(root).render(
  <GraphiQL
    fetcher={fetcher}
    schema={SCHEMA}
    plugins={PLUGINS}
    defaultTabs={TABS}
    defaultEditorToolsVisibility="variables"
    visiblePlugin={window.location.hash === "#docs" ? "Documentation Explorer" : ""}
    // What is typed here, passwords among it, goes when the window is closed.
    storage={window.sessionStorage}
    shouldPersistHeaders
  >
    <GraphiQL.Logo>
      <a className="home" href="/">
        COVID-XR
      </a>
    </GraphiQL.Logo>
    <GraphiQL.Footer>
      <p className="session">
        <Account />
        <span className="warning">For research, not for diagnosis.</span>
      </p>
    </GraphiQL.Footer>
  </GraphiQL>,
);
