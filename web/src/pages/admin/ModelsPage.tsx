/** All versions: their figures, two side by side, and what served when. */

import { AdminPage } from "../../admin/AdminPage";
import { CompareModels } from "../../admin/CompareModels";
import { Deployments, inOrder } from "../../admin/Deployments";
import { MODELS, ModelTable } from "../../admin/ModelTable";
import { Pager, usePaging } from "../../admin/paging";
import { graphql } from "../../graphql/graphql";
import { useFollow } from "../../graphql/useFollow";
import { refresh, useQuery } from "../../graphql/useQuery";
import { QueryView } from "../../parts/QueryView";
import { ResearchOnly } from "../../parts/ResearchWarning";
import { Section } from "../../parts/Section";
import { admin } from "../../texts/admin";
import { models as texts } from "../../texts/models";
import { useFormat, useText } from "../../texts/useText";
import { toasts } from "../../toasts/toasts";

const PROMOTED = graphql(`subscription ModelPromoted($after: Cursor) {
  modelPromoted(after: $after) { cursor model { number } }
}`);

const PAGE = 25;

export function ModelsPage() {
  return (
    <AdminPage title={useText(admin).sections.models.name}>
      <ResearchOnly />
      <Models />
    </AdminPage>
  );
}

function Models() {
  const text = useText(texts);
  const { number } = useFormat();
  const paging = usePaging();
  const state = useQuery(MODELS, { first: PAGE, after: paging.after });
  useFollow(PROMOTED, {
    heard({ modelPromoted: { model } }) {
      toasts.show({ message: text.heardPromoted(number(model.number)), tone: "done" });
      refresh(state);
    },
    begun: () => refresh(state),
  });
  return (
    <QueryView state={state} what={text.what}>
      {({ models: { nodes, pageInfo } }) => (
        <>
          <ModelTable models={nodes} />
          <p className="small text-body-secondary">{text.figures}</p>
          <Pager paging={paging} pageInfo={pageInfo} />
          <CompareModels models={nodes} key={nodes.length} />
          <Section title={text.deployments} className="pt-4">
            <Deployments deployments={inOrder(nodes)} />
          </Section>
        </>
      )}
    </QueryView>
  );
}
