/** All news, the latest first; a post that is published meanwhile appears on top. */

import { useState } from "react";
import { graphql } from "../graphql/graphql";
import { useFollow } from "../graphql/useFollow";
import { refresh, useQuery } from "../graphql/useQuery";
import { Page } from "../layout/Page";
import { NEWS, PostBeginning } from "../parts/newsPosts";
import { QueryView } from "../parts/QueryView";
import { news } from "../texts/news";
import { useText } from "../texts/useText";
import { toasts } from "../toasts/toasts";

const PUBLISHED = graphql(`subscription NewsPublished($after: Cursor) {
  newsPublished(after: $after) { cursor post { id title body publishedAt } }
}`);

const PAGE = 10;

export function NewsPage() {
  const text = useText(news);
  const state = useQuery(NEWS, { first: PAGE });
  useFollow(PUBLISHED, {
    heard({ newsPublished: { post } }) {
      toasts.show({ message: text.published(post.title), tone: "done" });
      refresh(state);
    },
    begun: () => refresh(state),
  });
  return (
    <Page title={text.title}>
      <QueryView state={state} what={text.what}>
        {({ news: { nodes, pageInfo } }) => (
          <>
            {nodes.map((post) => (
              <PostBeginning post={post} level={2} key={post.id} />
            ))}
            {nodes.length === 0 && <p className="text-body-secondary">{text.none}</p>}
            {pageInfo.hasNextPage && <Older after={pageInfo.endCursor} />}
          </>
        )}
      </QueryView>
    </Page>
  );
}

function Older({ after }: { after: string | null }) {
  const text = useText(news);
  const [isShown, setShown] = useState(false);
  if (isShown) return <Further after={after} />;
  return (
    <button type="button" className="btn btn-outline-primary mt-3" onClick={() => setShown(true)}>
      {text.older}
    </button>
  );
}

function Further({ after }: { after: string | null }) {
  const text = useText(news);
  const state = useQuery(NEWS, { first: PAGE, after });
  return (
    <QueryView state={state} what={text.what}>
      {({ news: { nodes, pageInfo } }) => (
        <>
          {nodes.map((post) => (
            <PostBeginning post={post} level={2} key={post.id} />
          ))}
          {pageInfo.hasNextPage && <Older after={pageInfo.endCursor} />}
        </>
      )}
    </QueryView>
  );
}
