/** Where people ask for a link to choose a new password. */

import { useState } from "react";
import { Field } from "../forms/Field";
import { Form } from "../forms/Form";
import { graphql } from "../graphql/graphql";
import { useMutate } from "../graphql/useMutate";
import { Page } from "../layout/Page";
import { account } from "../texts/account";
import { useLanguage, useText } from "../texts/useText";

const REQUEST = graphql(`mutation RequestPasswordReset($input: RequestPasswordResetInput!) {
  requestPasswordReset(input: $input) { requested errors { code message path } }
}`);

export function ForgottenPasswordPage() {
  const text = useText(account);
  const { language } = useLanguage();
  const [email, setEmail] = useState("");
  const [isSent, setSent] = useState(false);
  const [request] = useMutate(REQUEST);
  if (isSent) {
    return (
      <Page title={text.forgotten.sentTitle} width="narrow">
        <p>{text.forgotten.sent(email)}</p>
      </Page>
    );
  }
  return (
    <Page title={text.forgotten.title} width="narrow">
      <p>{text.forgotten.lead}</p>
      <Form
        action={text.forgotten.action}
        send={(value) => {
          setEmail(value("email"));
          return request({ input: { email: value("email"), locale: language } });
        }}
        done={() => setSent(true)}
      >
        <Field name="email" label={text.email} type="email" autoComplete="username" required />
      </Form>
    </Page>
  );
}
