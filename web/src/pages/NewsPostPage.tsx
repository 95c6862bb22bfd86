/** One post, whole. */

import { Link, useParams } from "wouter";
import { graphql } from "../graphql/graphql";
import { useQuery } from "../graphql/useQuery";
import { Page } from "../layout/Page";
import { Markdown } from "../parts/Markdown";
import { QueryView } from "../parts/QueryView";
import { news } from "../texts/news";
import { useFormat, useText } from "../texts/useText";

const POST = graphql(`query Post($id: ID!) {
  node(id: $id) { __typename ... on NewsPost { id title body publishedAt author { name deletedAt } } }
}`);

export function NewsPostPage() {
  const text = useText(news);
  const { date } = useFormat();
  const { id = "" } = useParams<{ id: string }>();
  const state = useQuery(POST, { id: decodeURIComponent(id) });
  const post =
    state.status === "ready" && state.data.node?.__typename === "NewsPost" ? state.data.node : null;
  return (
    <Page title={post?.title ?? text.title}>
      <QueryView state={state} what={text.whatPost}>
        {() =>
          post ? (
            <article>
              <p className="text-body-secondary">
                <time dateTime={post.publishedAt}>{date(post.publishedAt)}</time> ·{" "}
                {post.author.deletedAt ? text.nobody : post.author.name}
              </p>
              <Markdown source={post.body} />
            </article>
          ) : (
            <p>{text.gone}</p>
          )
        }
      </QueryView>
      <p className="mt-4">
        <Link href="/news">{text.back}</Link>
      </p>
    </Page>
  );
}
