/** Where administrators write, change and delete posts. */

import { useState } from "react";
import { Link } from "wouter";
import { ActionButton } from "../../admin/ActionButton";
import { AdminPage } from "../../admin/AdminPage";
import { PostEditor } from "../../admin/PostEditor";
import { Pager, usePaging } from "../../admin/paging";
import { graphql } from "../../graphql/graphql";
import { useMutate } from "../../graphql/useMutate";
import { useQuery } from "../../graphql/useQuery";
import { NEWS, type Post } from "../../parts/newsPosts";
import { QueryView } from "../../parts/QueryView";
import { Section } from "../../parts/Section";
import { admin } from "../../texts/admin";
import { news } from "../../texts/news";
import { newsroom as texts } from "../../texts/newsroom";
import { useFormat, useText } from "../../texts/useText";
import { toasts } from "../../toasts/toasts";

const DELETE = graphql(`mutation DeleteNews($input: DeleteNewsInput!) {
  deleteNews(input: $input) { deletedId errors { code message path } }
}`);

const PAGE = 20;
const RENEWED = { additionalTypenames: ["NewsPost", "DeleteNewsPayload"] };

export function NewsEditorPage() {
  return (
    <AdminPage title={useText(admin).sections.news.name}>
      <Newsroom />
    </AdminPage>
  );
}

function Newsroom() {
  const text = useText(texts);
  const [edited, setEdited] = useState<Post | "new" | null>(null);
  const close = () => setEdited(null);
  return (
    <>
      {edited === null ? (
        <button type="button" className="btn btn-primary mb-4" onClick={() => setEdited("new")}>
          {text.write}
        </button>
      ) : (
        <PostEditor
          post={edited === "new" ? null : edited}
          done={close}
          cancel={close}
          key={edited === "new" ? "new" : edited.id}
        />
      )}
      <Posts edit={setEdited} />
    </>
  );
}

function Posts({ edit }: { edit: (post: Post) => void }) {
  const text = useText(texts);
  const words = useText(news);
  const paging = usePaging();
  const state = useQuery(NEWS, { first: PAGE, after: paging.after }, RENEWED);
  return (
    <Section title={text.posts}>
      <QueryView state={state} what={words.what}>
        {({ news: { nodes, pageInfo } }) => (
          <>
            {nodes.length === 0 && <p className="text-body-secondary">{text.none}</p>}
            <ul className="list-unstyled">
              {nodes.map((post) => (
                <PostLine post={post} edit={edit} key={post.id} />
              ))}
            </ul>
            <Pager paging={paging} pageInfo={pageInfo} />
          </>
        )}
      </QueryView>
    </Section>
  );
}

function PostLine({ post, edit }: { post: Post; edit: (post: Post) => void }) {
  const text = useText(texts);
  const { date } = useFormat();
  const [send] = useMutate(DELETE);
  return (
    <li className="post-line">
      <div>
        <Link href={`/news/${encodeURIComponent(post.id)}`}>{post.title}</Link>
        <span className="small text-body-secondary d-block">
          <time dateTime={post.publishedAt}>{date(post.publishedAt)}</time>
        </span>
      </div>
      <div className="row-actions">
        <button
          type="button"
          className="btn btn-sm btn-outline-primary"
          aria-label={text.of(text.edit, post.title)}
          onClick={() => edit(post)}
        >
          {text.edit}
        </button>
        <ActionButton
          name={text.delete}
          title={text.of(text.delete, post.title)}
          look="btn-sm btn-outline-danger"
          send={() => send({ input: { id: post.id } })}
          done={() => toasts.show({ message: text.deleted, tone: "done" })}
        >
          <p>{text.deleteLead}</p>
        </ActionButton>
      </div>
    </li>
  );
}
