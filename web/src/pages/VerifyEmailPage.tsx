/** Where the link in the verification mail leads. */

import { useState } from "react";
import { request } from "../graphql/request";
import { type Outcome, OutcomeNote, tokenInAddress, type UserError } from "./outcome";

const MUTATION = `mutation VerifyEmail($input: VerifyEmailInput!) {
  verifyEmail(input: $input) { user { email } errors { message } }
}`;

interface Data {
  verifyEmail: { user: { email: string } | null; errors: UserError[] };
}

async function verify(token: string): Promise<string> {
  const { verifyEmail } = await request<Data>(MUTATION, { input: { token } });
  const [error] = verifyEmail.errors;
  if (error) throw new Error(error.message);
  return `${verifyEmail.user?.email ?? "Your address"} is confirmed. You can sign in now.`;
}

export function VerifyEmailPage() {
  const [outcome, setOutcome] = useState<Outcome>({ status: "open" });

  // On a click, not at once: mail scanners follow links, and the token is good for one use.
  const confirm = () => {
    setOutcome({ status: "sent" });
    verify(tokenInAddress()).then(
      (message) => setOutcome({ status: "done", message }),
      (error: Error) => setOutcome({ status: "failed", message: error.message }),
    );
  };

  return (
    <div className="container narrow py-5">
      <h1 className="h2">Confirm your e-mail address</h1>
      <OutcomeNote outcome={outcome} />
      {outcome.status !== "done" && (
        <button
          type="button"
          className="btn btn-primary"
          disabled={outcome.status === "sent"}
          onClick={confirm}
        >
          Confirm
        </button>
      )}
    </div>
  );
}
