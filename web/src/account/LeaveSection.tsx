/** Deleting the account: what goes, what stays, and the password once more. */

import { useLocation } from "wouter";
import { ActionButton } from "../admin/ActionButton";
import { PasswordField } from "../forms/PasswordField";
import { graphql } from "../graphql/graphql";
import { useMutate } from "../graphql/useMutate";
import { Card } from "../parts/Section";
import { session } from "../session/useSession";
import { account } from "../texts/account";
import { ownAccount } from "../texts/ownAccount";
import { useText } from "../texts/useText";
import { toasts } from "../toasts/toasts";

const DELETE = graphql(`mutation DeleteAccount($input: DeleteAccountInput!) {
  deleteAccount(input: $input) { deleted errors { code message path } }
}`);

export function LeaveSection({ isAdmin }: { isAdmin: boolean }) {
  const { leave: text } = useText(ownAccount);
  return (
    <Card title={text.title}>
      <h3 className="h6">{text.goes}</h3>
      <Points of={text.gone} />
      <h3 className="h6">{text.stays}</h3>
      <Points of={text.kept} />
      {isAdmin && <p>{text.lastAdmin}</p>}
      <DeleteButton />
    </Card>
  );
}

function Points({ of }: { of: readonly string[] }) {
  return (
    <ul>
      {of.map((one) => (
        <li key={one}>{one}</li>
      ))}
    </ul>
  );
}

function DeleteButton() {
  const { leave: text } = useText(ownAccount);
  const { password } = useText(account);
  const [, navigate] = useLocation();
  const [remove] = useMutate(DELETE);
  return (
    <ActionButton
      name={text.action}
      look="btn-outline-danger"
      send={(value) => remove({ input: { password: value("password") } })}
      done={() => {
        session.leave();
        navigate("/");
        toasts.show({ message: text.done, tone: "done" });
      }}
    >
      <p>{text.lead}</p>
      <PasswordField label={password} autoComplete="current-password" />
    </ActionButton>
  );
}
