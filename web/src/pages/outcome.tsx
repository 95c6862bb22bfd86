/** What became of a form, for the pages that mails lead to. */

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
        {outcome.message}
      </div>
    );
  }
  if (outcome.status === "failed") {
    return (
      <div className="alert alert-danger" role="alert">
        {outcome.message}
      </div>
    );
  }
  return null;
}
