/** Puts GraphiQL into graphiql.html. The address /graphql#docs opens it with the documentation. */

import { GraphiQL } from "graphiql";
import "graphiql/setup-workers/vite";
import "graphiql/style.css";
import { createRoot } from "react-dom/client";
import { fetcher } from "./fetcher";
import "./graphiql.css";
import { TABS } from "./tabs";

const root = document.getElementById("root");
if (!root) throw new Error("graphiql.html has no #root");
createRoot(root).render(
  <GraphiQL
    fetcher={fetcher}
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
      <p className="warning">For research, not for diagnosis.</p>
    </GraphiQL.Footer>
  </GraphiQL>,
);
