/** Who did what when. */

import { useState } from "react";
import { AdminPage } from "../../admin/AdminPage";
import { Pager, usePaging } from "../../admin/paging";
import { TrailFilters } from "../../admin/TrailFilters";
import { TRAIL, TrailTable } from "../../admin/TrailTable";
import { asked, EVERYTHING, type Wanted } from "../../admin/trail";
import { useQuery } from "../../graphql/useQuery";
import { QueryView } from "../../parts/QueryView";
import { admin } from "../../texts/admin";
import { trail as texts } from "../../texts/trail";
import { useText } from "../../texts/useText";

const PAGE = 25;

export function TrailPage() {
  const [wanted, setWanted] = useState(EVERYTHING);
  return (
    <AdminPage title={useText(admin).sections.trail.name}>
      <p className="measure">{useText(texts).lead}</p>
      <TrailFilters wanted={wanted} onChange={setWanted} />
      {/* Anew for each filter, since a place in one list is none in another. */}
      <Entries
        wanted={wanted}
        onlyBy={(actor) => setWanted({ ...wanted, actor })}
        key={JSON.stringify(wanted)}
      />
    </AdminPage>
  );
}

interface Props {
  wanted: Wanted;
  onlyBy: (actor: Wanted["actor"]) => void;
}

function Entries({ wanted, onlyBy }: Props) {
  const text = useText(texts);
  const paging = usePaging();
  const state = useQuery(TRAIL, { first: PAGE, after: paging.after, filter: asked(wanted) });
  return (
    <QueryView state={state} what={text.what}>
      {({ trail: { nodes, pageInfo } }) => (
        <>
          {nodes.length > 0 ? (
            <TrailTable entries={nodes} onlyBy={wanted.actor ? null : onlyBy} />
          ) : (
            <p className="text-body-secondary">{text.none}</p>
          )}
          <Pager paging={paging} pageInfo={pageInfo} />
        </>
      )}
    </QueryView>
  );
}
