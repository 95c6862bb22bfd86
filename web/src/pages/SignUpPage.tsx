/** Where people make an account. */

import { useRef, useState } from "react";
import { Link } from "wouter";
import { Field } from "../forms/Field";
import { Form } from "../forms/Form";
import { PasswordField } from "../forms/PasswordField";
import { graphql } from "../graphql/graphql";
import { useMutate } from "../graphql/useMutate";
import { Page } from "../layout/Page";
import { account } from "../texts/account";
import { useLanguage, useText } from "../texts/useText";

const SIGN_UP = graphql(`mutation SignUp($input: SignUpInput!) {
  signUp(input: $input) { user { id } errors { code message path } }
}`);

interface Sending {
  email: string;
  /** Whether the server has said that the address is new: else the mail alone tells. */
  isNew: boolean;
}

export function SignUpPage() {
  const text = useText(account);
  const [sending, setSending] = useState<Sending | null>(null);
  if (sending) return <Sent {...sending} />;
  return (
    <Page title={text.signUp.title} width="narrow">
      <p>{text.signUp.lead}</p>
      <SignUpForm done={setSending} />
      <p className="mt-4">
        {text.signUp.haveOne} <Link href="/sign-in">{text.signIn.title}</Link>
      </p>
    </Page>
  );
}

function SignUpForm({ done }: { done: (sending: Sending) => void }) {
  const text = useText(account);
  const { language } = useLanguage();
  const [signUp] = useMutate(SIGN_UP);
  const sent = useRef("");
  return (
    <Form
      action={text.signUp.action}
      send={(value) => {
        sent.current = value("email");
        return signUp({
          input: {
            name: value("name"),
            email: sent.current,
            password: value("password"),
            locale: language,
          },
        });
      }}
      done={({ user }) => done({ email: sent.current, isNew: user !== null })}
    >
      <Field name="name" label={text.name} hint={text.nameHint} autoComplete="name" required />
      <Field name="email" label={text.email} type="email" autoComplete="email" required />
      <PasswordField label={text.password} hint={text.passwordHint} autoComplete="new-password" />
    </Form>
  );
}

function Sent({ email, isNew }: Sending) {
  const text = useText(account);
  return (
    <Page title={text.signUp.sentTitle} width="narrow">
      <p>{isNew ? text.signUp.sent(email) : text.signUp.sentToWhoever(email)}</p>
      <p className="text-body-secondary">{isNew ? text.signUp.notThere : text.signUp.notThereEither}</p>
      <Link className="btn btn-primary" href="/sign-in">
        {text.signIn.title}
      </Link>
    </Page>
  );
}
