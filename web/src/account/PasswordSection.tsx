/** Choosing a new password, by the one there is. */

import { ActionButton } from "../admin/ActionButton";
import { PasswordField } from "../forms/PasswordField";
import { graphql } from "../graphql/graphql";
import { useMutate } from "../graphql/useMutate";
import { Card } from "../parts/Section";
import { account } from "../texts/account";
import { ownAccount } from "../texts/ownAccount";
import { useText } from "../texts/useText";
import { toasts } from "../toasts/toasts";

const CHANGE = graphql(`mutation ChangePassword($input: ChangePasswordInput!) {
  changePassword(input: $input) { user { id } errors { code message path } }
}`);

export function PasswordSection() {
  const { password: text } = useText(ownAccount);
  const { newPassword, passwordHint } = useText(account);
  const [change] = useMutate(CHANGE);
  return (
    <Card title={text.title}>
      <p>{text.lead}</p>
      <ActionButton
        name={text.action}
        send={(value) =>
          change({ input: { password: value("password"), newPassword: value("newPassword") } })
        }
        done={() => toasts.show({ message: text.done, tone: "done" })}
      >
        <PasswordField label={text.current} autoComplete="current-password" />
        <PasswordField
          name="newPassword"
          label={newPassword}
          hint={passwordHint}
          autoComplete="new-password"
        />
      </ActionButton>
    </Card>
  );
}
