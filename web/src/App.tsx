/** Chooses the page by the address. */

import type { ComponentType } from "react";
import { HomePage } from "./pages/HomePage";
import { NotFoundPage } from "./pages/NotFoundPage";
import { ResetPasswordPage } from "./pages/ResetPasswordPage";
import { VerifyEmailPage } from "./pages/VerifyEmailPage";
import { Footer } from "./parts/Footer";
import { Header } from "./parts/Header";

/** The server answers each of these addresses with index.html, and every other with it and 404: see api/pages.py. */
const PAGES: Record<string, ComponentType> = {
  "/": HomePage,
  "/verify-email": VerifyEmailPage,
  "/reset-password": ResetPasswordPage,
};

export function App() {
  const Page = PAGES[window.location.pathname] ?? NotFoundPage;
  return (
    <>
      <a className="visually-hidden-focusable skip-link" href="#main">
        Skip to the content
      </a>
      <Header />
      <main id="main">
        <Page />
      </main>
      <Footer />
    </>
  );
}
