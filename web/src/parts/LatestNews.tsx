/** The latest three posts, for the start. */

import { Link } from "wouter";
import { useQuery } from "../graphql/useQuery";
import { home } from "../texts/home";
import { news } from "../texts/news";
import { useText } from "../texts/useText";
import { NEWS, PostBeginning } from "./newsPosts";
import { QueryView } from "./QueryView";
import { Card } from "./Section";

export function LatestNews() {
  const text = useText(home);
  const words = useText(news);
  const state = useQuery(NEWS, { first: 3 });
  return (
    <Card title={text.newsHeading} heading="h4 card-title">
      <QueryView state={state} what={words.what}>
        {({ news: { nodes } }) => (
          <>
            {nodes.map((post) => (
              <PostBeginning post={post} key={post.id} />
            ))}
            {nodes.length === 0 && <p className="text-body-secondary mb-0">{words.none}</p>}
            {nodes.length > 0 && (
              <p className="mt-3 mb-0">
                <Link href="/news">{text.allNews}</Link>
              </p>
            )}
          </>
        )}
      </QueryView>
    </Card>
  );
}
