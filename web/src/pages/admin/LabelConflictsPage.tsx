/** Images on which people contradict one another. */

import { AdminPage } from "../../admin/AdminPage";
import { CONFLICTS, ConflictItem } from "../../admin/ConflictItem";
import { Pager, usePaging } from "../../admin/paging";
import { useQuery } from "../../graphql/useQuery";
import { QueryView } from "../../parts/QueryView";
import { ResearchOnly } from "../../parts/ResearchWarning";
import { admin } from "../../texts/admin";
import { conflicts as texts } from "../../texts/users";
import { useText } from "../../texts/useText";

const PAGE = 25;

export function LabelConflictsPage() {
  return (
    <AdminPage title={useText(admin).sections.conflicts.name}>
      <ResearchOnly />
      <p className="measure">{useText(texts).lead}</p>
      <Conflicts />
    </AdminPage>
  );
}

function Conflicts() {
  const text = useText(texts);
  const paging = usePaging();
  const state = useQuery(CONFLICTS, { first: PAGE, after: paging.after });
  return (
    <QueryView state={state} what={text.what}>
      {({ labelConflicts: { nodes, pageInfo } }) => (
        <>
          {nodes.length === 0 && <p className="text-body-secondary">{text.none}</p>}
          <ul className="list-unstyled">
            {nodes.map((image) => (
              <ConflictItem image={image} key={image.id} />
            ))}
          </ul>
          <Pager paging={paging} pageInfo={pageInfo} />
        </>
      )}
    </QueryView>
  );
}
