/** Users, their roles, and who is kept out. */

import { AdminPage } from "../../admin/AdminPage";
import { Pager, usePaging } from "../../admin/paging";
import { USERS, UserTable } from "../../admin/UserTable";
import { useQuery } from "../../graphql/useQuery";
import { useViewer } from "../../layout/Viewed";
import { QueryView } from "../../parts/QueryView";
import { admin } from "../../texts/admin";
import { users as texts } from "../../texts/users";
import { useText } from "../../texts/useText";

const PAGE = 25;

export function UsersPage() {
  return (
    <AdminPage title={useText(admin).sections.users.name}>
      <Users />
    </AdminPage>
  );
}

function Users() {
  const text = useText(texts);
  const viewer = useViewer();
  const paging = usePaging();
  const state = useQuery(USERS, { first: PAGE, after: paging.after });
  return (
    <QueryView state={state} what={text.what}>
      {({ users: { nodes, pageInfo } }) => (
        <>
          <UserTable users={nodes} viewerId={viewer?.id} />
          <Pager paging={paging} pageInfo={pageInfo} />
        </>
      )}
    </QueryView>
  );
}
