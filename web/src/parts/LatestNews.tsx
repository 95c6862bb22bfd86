/** The news, the latest three first, and older ones as far back as the reader goes. */

import { useId, useState } from "react";
import { useQuery } from "../graphql/useQuery";
import { QueryView } from "./QueryView";
import { excerpt, longDate, readable } from "./text";

interface NewsPost {
  id: string;
  title: string;
  body: string;
  publishedAt: string;
}

interface Data {
  news: { nodes: NewsPost[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };
}

const QUERY = `query News($after: String) {
  news(first: 3, after: $after) {
    nodes { id title body publishedAt }
    pageInfo { hasNextPage endCursor }
  }
}`;

export function LatestNews() {
  return (
    <section className="card" id="news" aria-labelledby="news-heading">
      <div className="card-body">
        <h2 className="h4 card-title" id="news-heading">
          News
        </h2>
        <Posts after={null} />
      </div>
    </section>
  );
}

function Posts({ after }: { after: string | null }) {
  const state = useQuery<Data>(QUERY, { after });
  return (
    <QueryView state={state} what="the news">
      {({ news: { nodes, pageInfo } }) => (
        <>
          {nodes.map((post) => (
            <Post post={post} key={post.id} />
          ))}
          {nodes.length === 0 && <p className="text-body-secondary mb-0">No news yet.</p>}
          {pageInfo.hasNextPage && <Older after={pageInfo.endCursor} />}
        </>
      )}
    </QueryView>
  );
}

function Older({ after }: { after: string | null }) {
  const [shown, setShown] = useState(false);
  if (shown) return <Posts after={after} />;
  return (
    <button
      type="button"
      className="btn btn-sm btn-outline-primary older-news"
      onClick={() => setShown(true)}
    >
      Older news
    </button>
  );
}

function Post({ post }: { post: NewsPost }) {
  const [open, setOpen] = useState(false);
  const titleId = useId();
  const beginning = excerpt(post.body);
  const whole = readable(post.body);
  return (
    <article className="news-post" aria-labelledby={titleId}>
      <h3 className="h6 mb-1" id={titleId}>
        {post.title}
      </h3>
      <p className="small text-body-secondary mb-1">
        <time dateTime={post.publishedAt}>{longDate(post.publishedAt)}</time>
      </p>
      <p className="news-body mb-0">{open ? whole : beginning}</p>
      {whole !== beginning && (
        <button
          type="button"
          className="btn btn-link btn-sm p-0"
          aria-expanded={open}
          aria-describedby={titleId}
          onClick={() => setOpen(!open)}
        >
          {open ? "Show less" : "Read on"}
        </button>
      )}
    </article>
  );
}
