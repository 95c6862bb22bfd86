/** What an editor has changed in a post. */

export interface Draft {
  title: string;
  body: string;
}

/** The fields that differ; null where none does. */
export function changedFields(post: Draft, draft: Draft): Partial<Draft> | null {
  const changes: Partial<Draft> = {};
  if (draft.title !== post.title) changes.title = draft.title;
  if (draft.body !== post.body) changes.body = draft.body;
  return Object.keys(changes).length > 0 ? changes : null;
}
