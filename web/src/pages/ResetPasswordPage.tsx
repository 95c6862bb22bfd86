/** Where the link in the password-reset mail leads. */

import { useState } from "react";
import { Link, useSearch } from "wouter";
import { Form } from "../forms/Form";
import { PasswordField } from "../forms/PasswordField";
import { graphql } from "../graphql/graphql";
import { useMutate } from "../graphql/useMutate";
import { Page } from "../layout/Page";
import { account } from "../texts/account";
import { useText } from "../texts/useText";
import { Incomplete } from "./VerifyEmailPage";

// The answer has a user, so that `Viewed` asks again: who was signed in by the account is not any more.
const RESET = graphql(`mutation ResetPassword($input: ResetPasswordInput!) {
  resetPassword(input: $input) { user { email } errors { code message path } }
}`);

export function ResetPasswordPage() {
  const text = useText(account);
  const token = new URLSearchParams(useSearch()).get("token");
  return (
    <Page title={text.reset.title} width="narrow">
      {token ? <PasswordForm token={token} /> : <Incomplete />}
    </Page>
  );
}

function PasswordForm({ token }: { token: string }) {
  const text = useText(account);
  const [isDone, setDone] = useState(false);
  const [reset] = useMutate(RESET);
  if (isDone) {
    return (
      <div className="alert alert-success" role="status">
        <p className="mb-2">{text.reset.done}</p>
        <Link className="btn btn-primary" href="/sign-in">
          {text.signIn.title}
        </Link>
      </div>
    );
  }
  return (
    <Form
      action={text.reset.action}
      send={(value) => reset({ input: { token, password: value("password") } })}
      done={() => setDone(true)}
      beside={<Link href="/forgotten-password">{text.reset.newLink}</Link>}
    >
      <PasswordField label={text.newPassword} hint={text.passwordHint} autoComplete="new-password" />
    </Form>
  );
}
