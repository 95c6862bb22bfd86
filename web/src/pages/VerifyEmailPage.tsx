/** Where the link in the verification mail leads. */

import { useState } from "react";
import { Link, useSearch } from "wouter";
import { Form } from "../forms/Form";
import { graphql } from "../graphql/graphql";
import { useMutate } from "../graphql/useMutate";
import { Page } from "../layout/Page";
import { account } from "../texts/account";
import { useText } from "../texts/useText";

const VERIFY = graphql(`mutation VerifyEmail($input: VerifyEmailInput!) {
  verifyEmail(input: $input) { user { email } errors { code message path } }
}`);

export function VerifyEmailPage() {
  const text = useText(account);
  const token = new URLSearchParams(useSearch()).get("token");
  return (
    <Page title={text.verify.title} width="narrow">
      {token ? <Confirmation token={token} /> : <Incomplete />}
    </Page>
  );
}

function Confirmation({ token }: { token: string }) {
  const text = useText(account);
  const [email, setEmail] = useState<string | null>(null);
  const [verify] = useMutate(VERIFY);
  if (email) {
    return (
      <div className="alert alert-success" role="status">
        <p className="mb-2">{text.verify.done(email)}</p>
        <Link className="btn btn-primary" href="/sign-in">
          {text.signIn.title}
        </Link>
      </div>
    );
  }
  // On a click, not at once: mail scanners follow links, and the token is good for one use.
  return (
    <Form
      action={text.verify.action}
      send={() => verify({ input: { token } })}
      done={({ user }) => setEmail(user?.email ?? "")}
    >
      <p>{text.verify.lead}</p>
      <p className="text-body-secondary">
        {text.verify.newLink} <Link href="/forgotten-password">{text.forgotten.action}</Link>
      </p>
    </Form>
  );
}

/** In place of a form, where the address has lost its token. */
export function Incomplete() {
  const text = useText(account);
  return (
    <div className="alert alert-danger" role="alert">
      {text.incomplete}
    </div>
  );
}
