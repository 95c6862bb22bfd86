/** Where the link in the verification mail leads. */

import { useState } from "react";
import { request } from "../graphql/request";
import { NoTokenNote, type Outcome, OutcomeNote, tokenInAddress, type UserError } from "./outcome";

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
  return `${verifyEmail.user?.email ?? "Your address"} is confirmed.`;
}

export function VerifyEmailPage() {
  const token = tokenInAddress();
  return (
    <div className="container narrow py-5">
      <h1 className="h2 mb-3">Confirm your e-mail address</h1>
      {token ? <Confirmation token={token} /> : <NoTokenNote />}
    </div>
  );
}

function Confirmation({ token }: { token: string }) {
  const [outcome, setOutcome] = useState<Outcome>({ status: "open" });

  // On a click, not at once: mail scanners follow links, and the token is good for one use.
  const confirm = () => {
    setOutcome({ status: "sent" });
    verify(token).then(
      (message) => setOutcome({ status: "done", message }),
      (error: Error) => setOutcome({ status: "failed", message: error.message }),
    );
  };

  return (
    <>
      <OutcomeNote outcome={outcome} />
      {outcome.status === "failed" && <p>Signing in, until the address is confirmed, sends a new link.</p>}
      {outcome.status === "open" && <p>Then you can sign in and upload images.</p>}
      {outcome.status !== "done" && (
        <button
          type="button"
          className="btn btn-primary"
          disabled={outcome.status === "sent"}
          onClick={confirm}
        >
          {outcome.status === "sent" ? "Confirming …" : "Confirm"}
        </button>
      )}
    </>
  );
}
