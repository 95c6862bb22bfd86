/** Where the link in the mail leads that confirms another address. */

import { useState } from "react";
import { Link, useSearch } from "wouter";
import { Form } from "../forms/Form";
import { graphql } from "../graphql/graphql";
import { useMutate } from "../graphql/useMutate";
import { Page } from "../layout/Page";
import { account } from "../texts/account";
import { ownAccount } from "../texts/ownAccount";
import { useText } from "../texts/useText";
import { Incomplete } from "./VerifyEmailPage";

// The answer has a user, so that `Viewed` asks again: who was signed in by the account is not any more.
const CONFIRM = graphql(`mutation ConfirmEmailChange($input: ConfirmEmailChangeInput!) {
  confirmEmailChange(input: $input) { user { email } errors { code message path } }
}`);

export function ConfirmEmailPage() {
  const { email: text } = useText(ownAccount);
  const token = new URLSearchParams(useSearch()).get("token");
  return (
    <Page title={text.confirmTitle} width="narrow">
      {token ? <Confirmation token={token} /> : <Incomplete />}
    </Page>
  );
}

function Confirmation({ token }: { token: string }) {
  const { email: text } = useText(ownAccount);
  const { signIn } = useText(account);
  const [email, setEmail] = useState<string | null>(null);
  const [confirm] = useMutate(CONFIRM);
  if (email) {
    return (
      <div className="alert alert-success" role="status">
        <p className="mb-2 text-break">{text.confirmed(email)}</p>
        <Link className="btn btn-primary" href="/sign-in">
          {signIn.title}
        </Link>
      </div>
    );
  }
  // On a click, not at once: mail scanners follow links, and the token is good for one use.
  return (
    <Form
      action={text.confirm}
      send={() => confirm({ input: { token } })}
      done={({ user }) => setEmail(user?.email ?? "")}
    >
      <p>{text.confirmLead}</p>
    </Form>
  );
}
