/** The address of the account, and moving to another one. */

import { useState } from "react";
import { Field } from "../forms/Field";
import { Form } from "../forms/Form";
import { PasswordField } from "../forms/PasswordField";
import { graphql } from "../graphql/graphql";
import { useMutate } from "../graphql/useMutate";
import { Card } from "../parts/Section";
import { account } from "../texts/account";
import { ownAccount } from "../texts/ownAccount";
import { useText } from "../texts/useText";

const REQUEST = graphql(`mutation RequestEmailChange($input: RequestEmailChangeInput!) {
  requestEmailChange(input: $input) { requested errors { code message path } }
}`);

export function AddressSection({ email }: { email: string }) {
  const text = useText(ownAccount);
  return (
    <Card title={text.email.title}>
      <p className="text-break">{text.signsInBy(email)}</p>
      <AddressForm />
    </Card>
  );
}

function AddressForm() {
  const { email: text } = useText(ownAccount);
  const { password } = useText(account);
  const [sentTo, setSentTo] = useState<string | null>(null);
  const [request] = useMutate(REQUEST);
  if (sentTo !== null) {
    return (
      <p className="alert alert-success mb-0 text-break" role="status">
        {text.sent(sentTo)}
      </p>
    );
  }
  let asked = "";
  return (
    <Form
      action={text.action}
      send={(value) => {
        asked = value("email").trim();
        return request({ input: { email: asked, password: value("password") } });
      }}
      done={() => setSentTo(asked)}
    >
      <p>{text.lead}</p>
      <Field name="email" label={text.email} type="email" autoComplete="email" required />
      <PasswordField label={password} autoComplete="current-password" />
    </Form>
  );
}
