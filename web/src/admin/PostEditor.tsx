/** A post being written, with what readers will see beside it. */

import { useId, useState } from "react";
import { Field, TextField } from "../forms/Field";
import { Form } from "../forms/Form";
import { graphql } from "../graphql/graphql";
import { useMutate } from "../graphql/useMutate";
import { Markdown } from "../parts/Markdown";
import type { Post } from "../parts/newsPosts";
import { common } from "../texts/common";
import { newsroom as texts } from "../texts/newsroom";
import { useText } from "../texts/useText";
import { toasts } from "../toasts/toasts";
import { changedFields } from "./postChanges";

const PUBLISH = graphql(`mutation PublishNews($input: PublishNewsInput!) {
  publishNews(input: $input) { post { id title } errors { code message path } }
}`);

const UPDATE = graphql(`mutation UpdateNews($input: UpdateNewsInput!) {
  updateNews(input: $input) { post { id title } errors { code message path } }
}`);

interface Props {
  /** The one that is changed; a new one where null. */
  post: Post | null;
  done: () => void;
  cancel: () => void;
}

export function PostEditor({ post, done, cancel }: Props) {
  const text = useText(texts);
  const words = useText(common);
  const id = useId();
  const [draft, setDraft] = useState({ title: post?.title ?? "", body: post?.body ?? "" });
  const send = useSend(post);
  return (
    <section className="card mb-4" aria-labelledby={id}>
      <div className="card-body">
        <h2 className="h5" id={id}>
          {post ? text.change(post.title) : text.write}
        </h2>
        <div className="editor">
          <Form
            action={post ? words.save : text.publish}
            send={() => send(draft)}
            done={() => {
              toasts.show({ message: post ? text.saved : text.published, tone: "done" });
              done();
            }}
            beside={
              <button type="button" className="btn btn-outline-primary" onClick={cancel}>
                {words.cancel}
              </button>
            }
          >
            <Field
              name="title"
              label={text.title}
              hint={text.titleHint}
              defaultValue={draft.title}
              onChange={(event) => setDraft({ ...draft, title: event.target.value })}
              maxLength={200}
              required
            />
            <TextField
              name="body"
              label={text.body}
              hint={text.bodyHint}
              rows={12}
              defaultValue={draft.body}
              onChange={(event) => setDraft({ ...draft, body: event.target.value })}
              required
            />
            {!post && <p className="small text-body-secondary">{text.publishHint}</p>}
          </Form>
          <Preview title={draft.title} body={draft.body} />
        </div>
      </div>
    </section>
  );
}

/** Publishes a new post, or sends what has changed of one. */
function useSend(post: Post | null) {
  const text = useText(texts);
  const [publish] = useMutate(PUBLISH);
  const [update] = useMutate(UPDATE);
  return async (draft: { title: string; body: string }) => {
    if (!post) return publish({ input: draft });
    const changes = changedFields(post, draft);
    if (changes) return update({ input: { id: post.id, ...changes } });
    return {
      status: "refused" as const,
      problems: [{ code: "UNCHANGED", message: text.unchanged, path: null }],
    };
  };
}

function Preview({ title, body }: { title: string; body: string }) {
  const text = useText(texts);
  return (
    <section className="preview" aria-label={text.preview}>
      <p className="small text-body-secondary">{text.preview}</p>
      {title && <p className="h4">{title}</p>}
      {body ? <Markdown source={body} /> : <p className="text-body-secondary">{text.previewEmpty}</p>}
    </section>
  );
}
