/** Where people sign in, by a code too where they have a second factor, and go on to where they were. */

import { useState } from "react";
import { Link, useLocation, useSearch } from "wouter";
import { CodeField } from "../forms/CodeField";
import { Field } from "../forms/Field";
import { Form } from "../forms/Form";
import { PasswordField } from "../forms/PasswordField";
import { graphql, type VariablesOf } from "../graphql/graphql";
import { ENDPOINT } from "../graphql/request";
import { useMutate } from "../graphql/useMutate";
import { Page } from "../layout/Page";
import { safeNext } from "../session/safeNext";
import { session } from "../session/useSession";
import { account } from "../texts/account";
import { secondFactor } from "../texts/secondFactor";
import { useText } from "../texts/useText";

const SIGN_IN = graphql(`mutation SignIn($input: SignInInput!) {
  signIn(input: $input) { user { id } errors { code message path } }
}`);

type Credentials = Omit<VariablesOf<typeof SIGN_IN>["input"], "cookie">;

export function SignInPage() {
  const text = useText(account);
  const [known, setKnown] = useState<Credentials | null>(null);
  const { signIn, done } = useSignIn(setKnown);
  if (known) return <CodeStep known={known} back={() => setKnown(null)} />;
  return (
    <Page title={text.signIn.title} width="narrow">
      <Form
        action={text.signIn.action}
        send={(value) => signIn({ email: value("email"), password: value("password") })}
        done={done}
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

function CodeStep({ known, back }: { known: Credentials; back: () => void }) {
  const { step, anyCode } = useText(secondFactor);
  const { signIn, done } = useSignIn();
  return (
    <Page title={step.title} width="narrow">
      <Form
        action={step.action}
        send={(value) => signIn({ ...known, code: value("code") })}
        done={done}
        beside={
          <button type="button" className="btn btn-link" onClick={back}>
            {step.back}
          </button>
        }
      >
        <p>{step.lead}</p>
        <CodeField label={anyCode} />
      </Form>
      <p className="mt-4 text-body-secondary">{step.lost}</p>
    </Page>
  );
}

/** Sends credentials, and goes on to where the person was; `needsCode` is called where they are right and not enough. */
function useSignIn(needsCode?: (known: Credentials) => void) {
  const [, navigate] = useLocation();
  const next = safeNext(new URLSearchParams(useSearch()).get("next"));
  const [send] = useMutate(SIGN_IN);
  const signIn = async (input: Credentials) => {
    const outcome = await send({ input: { ...input, cookie: true } });
    if (outcome.status === "refused" && outcome.problems[0]?.code === "SECOND_FACTOR_REQUIRED")
      needsCode?.(input);
    return outcome;
  };
  const done = ({ user }: { user: { id: string } | null }) => {
    if (user) session.begin(user.id);
    if (next.startsWith(ENDPOINT))
      window.location.assign(next); // GraphiQL, a document of its own
    else navigate(next);
  };
  return { signIn, done };
}
