/** Deletes an image, and takes it back for as long as the message about it is shown. */

import { graphql } from "../graphql/graphql";
import { useLink } from "../graphql/Linked";
import { outcomeOf } from "../graphql/useMutate";
import { examine } from "../texts/examine";
import { useText } from "../texts/useText";
import { toasts } from "../toasts/toasts";
import type { ImageListChange } from "./imageList";
import type { ImageRow } from "./imageRow";

const DELETE = graphql(`mutation DeleteImage($input: DeleteImageInput!) {
  deleteImage(input: $input) { deletedId errors { code message path } }
}`);

/** The image is out of sight at once. The server deletes it for good, so it is told only when the way back is closed. */
export function useDelete(change: (change: ImageListChange) => void): (row: ImageRow) => void {
  const text = useText(examine).table;
  const { client, headers } = useLink();

  const tell = async ({ id, filename }: ImageRow) => {
    // The page may be closing, and the message is to arrive all the same.
    const context = { fetchOptions: { headers, keepalive: true } };
    const { data } = await client.mutation(DELETE, { input: { id } }, context);
    if (data && outcomeOf(data).status === "done") {
      change({ kind: "deleted", id });
      return;
    }
    change({ kind: "restored", id });
    toasts.show({ message: text.notDeleted(filename), tone: "failed" });
  };

  return (row) => {
    change({ kind: "hidden", id: row.id });
    toasts.show({
      message: text.deleted(row.filename),
      tone: "done",
      undo: () => change({ kind: "restored", id: row.id }),
      gone: () => void tell(row),
    });
  };
}
