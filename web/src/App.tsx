/** The frame of every page, and the page that the address names. */

import { Suspense } from "react";
import { Route, Switch, useLocation } from "wouter";
import { Linked } from "./graphql/Linked";
import { ConnectionBanner } from "./layout/ConnectionBanner";
import { Footer } from "./layout/Footer";
import { PageFailure } from "./layout/PageFailure";
import { SideMenu } from "./layout/SideMenu";
import { SkipLink } from "./layout/SkipLink";
import { Viewed } from "./layout/Viewed";
import { NotFoundPage } from "./pages/NotFoundPage";
import { Skeleton } from "./parts/Skeleton";
import { PAGES } from "./routes";
import { Spoken } from "./texts/useText";
import { ToastRegion } from "./toasts/ToastRegion";

export function App() {
  return (
    <Spoken>
      <Linked>
        <Viewed>
          <SkipLink />
          <div className="frame">
            <SideMenu />
            <div className="frame-page">
              <ConnectionBanner />
              {/* Takes the focus where the link leads: browsers differ in whether Tab goes on from there otherwise. */}
              <main id="main" tabIndex={-1}>
                <Pages />
              </main>
              <Footer />
            </div>
          </div>
          <ToastRegion />
        </Viewed>
      </Linked>
    </Spoken>
  );
}

function Pages() {
  const [location] = useLocation();
  return (
    // Another page may work where this one failed.
    <PageFailure key={location}>
      <Suspense fallback={<Loading />}>
        <Switch>
          {Object.entries(PAGES).map(([path, Page]) => (
            <Route path={path} component={Page} key={path} />
          ))}
          <Route component={NotFoundPage} />
        </Switch>
      </Suspense>
    </PageFailure>
  );
}

function Loading() {
  return (
    <div className="container py-5">
      <Skeleton />
    </div>
  );
}
