/** Everybody with an account, the latest to sign up first. */

import { graphql, type ResultOf } from "../graphql/graphql";
import { users as texts } from "../texts/users";
import { useFormat, useText } from "../texts/useText";
import { UserActions } from "./UserActions";

export const USERS = graphql(`query Users($first: Int!, $after: String) {
  users(first: $first, after: $after) {
    nodes { id name email emailVerified role createdAt blockedAt blockReason secondFactorSince }
    pageInfo { hasNextPage endCursor }
  }
}`);

export type ListedUser = ResultOf<typeof USERS>["users"]["nodes"][number];

export function UserTable({ users, viewerId }: { users: ListedUser[]; viewerId: string | undefined }) {
  const { columns, list } = useText(texts);
  return (
    <table className="table stacked">
      <caption className="visually-hidden">{list}</caption>
      <thead>
        <tr>
          <th scope="col">{columns.user}</th>
          <th scope="col">{columns.role}</th>
          <th scope="col">{columns.since}</th>
          <th scope="col">{columns.access}</th>
          <th scope="col">{columns.actions}</th>
        </tr>
      </thead>
      <tbody>
        {users.map((user) => (
          <Row user={user} isViewer={user.id === viewerId} key={user.id} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ user, isViewer }: { user: ListedUser; isViewer: boolean }) {
  const text = useText(texts);
  const { date } = useFormat();
  const { columns } = text;
  return (
    <tr>
      <th scope="row">
        {user.name}
        {isViewer && <span className="fw-normal"> ({text.you})</span>}
        <span className="small fw-normal text-body-secondary d-block">{user.email}</span>
      </th>
      <td data-name={columns.role}>{text.role[user.role]}</td>
      <td data-name={columns.since}>
        <time dateTime={user.createdAt}>{date(user.createdAt)}</time>
      </td>
      <td data-name={columns.access}>
        <Access user={user} />
      </td>
      <td>{isViewer ? null : <UserActions user={user} />}</td>
    </tr>
  );
}

function Access({ user }: { user: ListedUser }) {
  const text = useText(texts);
  const { date } = useFormat();
  if (!user.blockedAt) return user.emailVerified ? text.may : text.unverified;
  return (
    <>
      <strong>{text.blocked(date(user.blockedAt))}</strong>
      <span className="small d-block">{user.blockReason}</span>
    </>
  );
}
