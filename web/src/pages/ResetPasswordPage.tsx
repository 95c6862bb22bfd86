/** Where the link in the password-reset mail leads. */

import { type FormEvent, useState } from "react";
import { request } from "../graphql/request";
import { NoTokenNote, type Outcome, OutcomeNote, tokenInAddress, type UserError } from "./outcome";

const MUTATION = `mutation ResetPassword($input: ResetPasswordInput!) {
  resetPassword(input: $input) { errors { message } }
}`;

interface Data {
  resetPassword: { errors: UserError[] };
}

async function reset(token: string, password: string): Promise<string> {
  const { resetPassword } = await request<Data>(MUTATION, { input: { token, password } });
  const [error] = resetPassword.errors;
  if (error) throw new Error(error.message);
  return "Your new password is set.";
}

export function ResetPasswordPage() {
  const token = tokenInAddress();
  return (
    <div className="container narrow py-5">
      <h1 className="h2 mb-3">Choose a new password</h1>
      {token ? <PasswordForm token={token} /> : <NoTokenNote />}
    </div>
  );
}

function PasswordForm({ token }: { token: string }) {
  const [password, setPassword] = useState("");
  const [outcome, setOutcome] = useState<Outcome>({ status: "open" });

  const submit = (event: FormEvent) => {
    event.preventDefault();
    setOutcome({ status: "sent" });
    reset(token, password).then(
      (message) => setOutcome({ status: "done", message }),
      (error: Error) => setOutcome({ status: "failed", message: error.message }),
    );
  };

  return (
    <>
      <OutcomeNote outcome={outcome} />
      {outcome.status !== "done" && (
        <form onSubmit={submit}>
          <label className="form-label" htmlFor="password">
            New password
          </label>
          <input
            className="form-control mb-3"
            id="password"
            type="password"
            autoComplete="new-password"
            required
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
          <button type="submit" className="btn btn-primary" disabled={outcome.status === "sent"}>
            {outcome.status === "sent" ? "Setting the password …" : "Set the password"}
          </button>
        </form>
      )}
    </>
  );
}
