/** Where people sign in, and go on to where they were. */

import { Link, useLocation, useSearch } from "wouter";
import { Field } from "../forms/Field";
import { Form } from "../forms/Form";
import { PasswordField } from "../forms/PasswordField";
import { graphql } from "../graphql/graphql";
import { ENDPOINT } from "../graphql/request";
import { useMutate } from "../graphql/useMutate";
import { Page } from "../layout/Page";
import { safeNext } from "../session/safeNext";
import { session } from "../session/useSession";
import { account } from "../texts/account";
import { useText } from "../texts/useText";

const SIGN_IN = graphql(`mutation SignIn($input: SignInInput!) {
  signIn(input: $input) { token errors { code message path } }
}`);

export function SignInPage() {
  const text = useText(account);
  const [, navigate] = useLocation();
  const next = safeNext(new URLSearchParams(useSearch()).get("next"));
  const [signIn] = useMutate(SIGN_IN);
  return (
    <Page title={text.signIn.title} width="narrow">
      <Form
        action={text.signIn.action}
        send={(value) => signIn({ input: { email: value("email"), password: value("password") } })}
        done={({ token }) => {
          if (token) session.begin(token);
          if (next.startsWith(ENDPOINT))
            window.location.assign(next); // GraphiQL, a document of its own
          else navigate(next);
        }}
        beside={<Link href="/forgotten-password">{text.signIn.forgotten}</Link>}
      >
        <Field name="email" label={text.email} type="email" autoComplete="username" required />
        <PasswordField label={text.password} autoComplete="current-password" />
      </Form>
      <p className="mt-4">
        {text.signIn.noAccount} <Link href="/sign-up">{text.signUp.title}</Link>
      </p>
    </Page>
  );
}
