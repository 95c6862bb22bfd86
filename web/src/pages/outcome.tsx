/** What became of a form, for the pages that mails lead to. */

import { sentence } from "../parts/text";

export type Outcome =
  | { status: "open" }
  | { status: "sent" }
  | { status: "done"; message: string }
  | { status: "failed"; message: string };

export interface UserError {
  message: string;
}

/** The token that a link in a mail carries; empty when it carries none. */
export function tokenInAddress(): string {
  return new URLSearchParams(window.location.search).get("token") ?? "";
}

export function OutcomeNote({ outcome }: { outcome: Outcome }) {
  if (outcome.status === "done") {
    return (
      <div className="alert alert-success" role="status">
        <p className="mb-2">{outcome.message}</p>
        <a className="alert-link" href="/graphql">
          Sign in, in GraphiQL’s third tab
        </a>
      </div>
    );
  }
  if (outcome.status === "failed") {
    return (
      <div className="alert alert-danger" role="alert">
        {sentence(outcome.message)}
      </div>
    );
  }
  return null;
}

/** In place of the form, where the address has lost its token. */
export function NoTokenNote() {
  return (
    <div className="alert alert-danger" role="alert">
      This address is incomplete: open the whole link of the mail.
    </div>
  );
}
