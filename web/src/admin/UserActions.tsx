/** What an administrator can do with a user. */

import { graphql } from "../graphql/graphql";
import { useMutate } from "../graphql/useMutate";
import { users as texts } from "../texts/users";
import { useFormat, useText } from "../texts/useText";
import { toasts } from "../toasts/toasts";
import { ActionButton } from "./ActionButton";
import { ReasonField } from "./Dialog";
import type { ListedUser } from "./UserTable";

const SET_ROLE = graphql(`mutation SetUserRole($input: SetUserRoleInput!) {
  setUserRole(input: $input) { user { id role } errors { code message path } }
}`);

const BLOCK = graphql(`mutation BlockUser($input: BlockUserInput!) {
  blockUser(input: $input) { user { id blockedAt } errors { code message path } }
}`);

const UNBLOCK = graphql(`mutation UnblockUser($input: UnblockUserInput!) {
  unblockUser(input: $input) { user { id blockedAt } errors { code message path } }
}`);

const WITHDRAW = graphql(`mutation WithdrawLabels($input: WithdrawLabelsInput!) {
  withdrawLabels(input: $input) { user { id } withdrawn errors { code message path } }
}`);

const RESET = graphql(`mutation ResetSecondFactor($input: ResetSecondFactorInput!) {
  resetSecondFactor(input: $input) { user { id secondFactorSince } errors { code message path } }
}`);

const tell = (message: string) => toasts.show({ message, tone: "done" });

export function UserActions({ user }: { user: ListedUser }) {
  return (
    <div className="row-actions">
      <RoleButton user={user} />
      {user.blockedAt ? <UnblockButton user={user} /> : <BlockButton user={user} />}
      <WithdrawButton user={user} />
      {user.secondFactorSince && <ResetButton user={user} />}
    </div>
  );
}

function RoleButton({ user: { id, name, role } }: { user: ListedUser }) {
  const text = useText(texts);
  const [send] = useMutate(SET_ROLE);
  const isAdmin = role === "ADMIN";
  const action = isAdmin ? text.makeMember : text.makeAdmin;
  const next = isAdmin ? "MEMBER" : "ADMIN";
  return (
    <ActionButton
      name={action}
      title={text.actionOf(action, name)}
      send={() => send({ input: { id, role: next } })}
      done={() => tell(text.roleSet(name, text.role[next]))}
    >
      <p>{isAdmin ? text.makeMemberLead(name) : text.makeAdminLead(name)}</p>
    </ActionButton>
  );
}

function BlockButton({ user: { id, name } }: { user: ListedUser }) {
  const text = useText(texts);
  const [send] = useMutate(BLOCK);
  return (
    <ActionButton
      name={text.block}
      title={text.actionOf(text.block, name)}
      look="btn-sm btn-outline-danger"
      send={(value) => send({ input: { id, reason: value("reason") } })}
      done={() => tell(text.isBlocked(name))}
    >
      <p>{text.blockLead(name)}</p>
      <ReasonField />
    </ActionButton>
  );
}

function UnblockButton({ user: { id, name } }: { user: ListedUser }) {
  const text = useText(texts);
  const [send] = useMutate(UNBLOCK);
  return (
    <ActionButton
      name={text.unblock}
      title={text.actionOf(text.unblock, name)}
      send={() => send({ input: { id } })}
      done={() => tell(text.isUnblocked(name))}
    >
      <p>{text.unblockLead(name)}</p>
    </ActionButton>
  );
}

function WithdrawButton({ user: { id, name } }: { user: ListedUser }) {
  const text = useText(texts);
  const { number } = useFormat();
  const [send] = useMutate(WITHDRAW);
  return (
    <ActionButton
      name={text.withdraw}
      title={text.actionOf(text.withdraw, name)}
      look="btn-sm btn-outline-danger"
      send={(value) => send({ input: { userId: id, reason: value("reason") } })}
      done={({ withdrawn }) => tell(text.withdrawn(number(withdrawn ?? 0)))}
    >
      <p>{text.withdrawLead(name)}</p>
      <ReasonField />
    </ActionButton>
  );
}

function ResetButton({ user: { id, name } }: { user: ListedUser }) {
  const text = useText(texts);
  const [send] = useMutate(RESET);
  return (
    <ActionButton
      name={text.resetFactor}
      title={text.actionOf(text.resetFactor, name)}
      look="btn-sm btn-outline-danger"
      send={(value) => send({ input: { id, reason: value("reason") } })}
      done={() => tell(text.factorReset(name))}
    >
      <p>{text.resetFactorLead(name)}</p>
      <ReasonField />
    </ActionButton>
  );
}
