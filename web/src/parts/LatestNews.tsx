/** The three latest news. */

import { useQuery } from "../graphql/useQuery";
import { QueryView } from "./QueryView";
import { excerpt, longDate } from "./text";

interface NewsPost {
  id: string;
  title: string;
  body: string;
  publishedAt: string;
}

const QUERY = `query LatestNews {
  news(first: 3) { nodes { id title body publishedAt } }
}`;

export function LatestNews() {
  const state = useQuery<{ news: { nodes: NewsPost[] } }>(QUERY);
  return (
    <section className="card h-100" id="news" aria-labelledby="news-heading">
      <div className="card-body">
        <h2 className="h4 card-title" id="news-heading">
          News
        </h2>
        <QueryView state={state} what="the news">
          {({ news }) => <Posts posts={news.nodes} />}
        </QueryView>
      </div>
    </section>
  );
}

function Posts({ posts }: { posts: NewsPost[] }) {
  if (posts.length === 0) return <p className="text-body-secondary mb-0">No news yet.</p>;
  return posts.map((post) => (
    <article className="news-post" key={post.id}>
      <h3 className="h6 mb-1">{post.title}</h3>
      <p className="small text-body-secondary mb-1">
        <time dateTime={post.publishedAt}>{longDate(post.publishedAt)}</time>
      </p>
      <p className="mb-0">{excerpt(post.body)}</p>
    </article>
  ));
}
