/** The beginnings of posts, wherever they are listed. */

import { Link } from "wouter";
import { graphql, type ResultOf } from "../graphql/graphql";
import { useFormat } from "../texts/useText";
import { excerpt } from "./excerpt";

export const NEWS = graphql(`query News($first: Int!, $after: String) {
  news(first: $first, after: $after) {
    nodes { id title body publishedAt }
    pageInfo { hasNextPage endCursor }
  }
}`);

export type Post = ResultOf<typeof NEWS>["news"]["nodes"][number];

export function PostBeginning({ post, level = 3 }: { post: Post; level?: 2 | 3 }) {
  const { date } = useFormat();
  const Heading = `h${level}` as const;
  return (
    <article className="news-post">
      <Heading className="h6 mb-1">
        <Link href={`/news/${encodeURIComponent(post.id)}`}>{post.title}</Link>
      </Heading>
      <p className="small text-body-secondary mb-1">
        <time dateTime={post.publishedAt}>{date(post.publishedAt)}</time>
      </p>
      <p className="mb-0">{excerpt(post.body)}</p>
    </article>
  );
}
