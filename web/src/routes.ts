/** The addresses of the pages. Each page is a part of its own, fetched when it is first opened. */

import { type ComponentType, lazy } from "react";

function page<Name extends string>(load: () => Promise<Record<Name, ComponentType>>, name: Name) {
  return lazy(async () => ({ default: (await load())[name] }));
}

/** The server answers each of these with index.html, and every other with it and 404: see api/pages.py. */
export const PAGES: Record<string, ComponentType> = {
  "/": page(() => import("./pages/HomePage"), "HomePage"),
  "/news": page(() => import("./pages/NewsPage"), "NewsPage"),
  "/news/:id": page(() => import("./pages/NewsPostPage"), "NewsPostPage"),
  "/contact": page(() => import("./pages/ContactPage"), "ContactPage"),
  "/sign-up": page(() => import("./pages/SignUpPage"), "SignUpPage"),
  "/sign-in": page(() => import("./pages/SignInPage"), "SignInPage"),
  "/forgotten-password": page(() => import("./pages/ForgottenPasswordPage"), "ForgottenPasswordPage"),
  "/verify-email": page(() => import("./pages/VerifyEmailPage"), "VerifyEmailPage"),
  "/reset-password": page(() => import("./pages/ResetPasswordPage"), "ResetPasswordPage"),
  "/confirm-email": page(() => import("./pages/ConfirmEmailPage"), "ConfirmEmailPage"),
  "/account": page(() => import("./pages/AccountPage"), "AccountPage"),
  "/examine": page(() => import("./pages/ExaminePage"), "ExaminePage"),
  "/examine/:id": page(() => import("./pages/ImagePage"), "ImagePage"),
  "/label-queue": page(() => import("./pages/LabelQueuePage"), "LabelQueuePage"),
  "/admin": page(() => import("./pages/admin/AdminStartPage"), "AdminStartPage"),
  "/admin/retraining": page(() => import("./pages/admin/RetrainingPage"), "RetrainingPage"),
  "/admin/models": page(() => import("./pages/admin/ModelsPage"), "ModelsPage"),
  "/admin/models/:id": page(() => import("./pages/admin/ModelPage"), "ModelPage"),
  "/admin/drift": page(() => import("./pages/admin/DriftPage"), "DriftPage"),
  "/admin/users": page(() => import("./pages/admin/UsersPage"), "UsersPage"),
  "/admin/label-conflicts": page(() => import("./pages/admin/LabelConflictsPage"), "LabelConflictsPage"),
  "/admin/news": page(() => import("./pages/admin/NewsEditorPage"), "NewsEditorPage"),
  "/admin/messages": page(() => import("./pages/admin/MessagesPage"), "MessagesPage"),
  "/admin/trail": page(() => import("./pages/admin/TrailPage"), "TrailPage"),
};
