/** Deletes an image, and takes it back for as long as the message about it is shown. */

import { graphql } from "../graphql/graphql";
import { useLink } from "../graphql/Linked";
import { HEADERS } from "../graphql/request";
import { outcomeOf } from "../graphql/useMutate";
import { examine } from "../texts/examine";
import { useText } from "../texts/useText";
import { toasts } from "../toasts/toasts";
import { hidden } from "./hidden";
import type { ImageRow } from "./imageRow";

const DELETE = graphql(`mutation DeleteImage($input: DeleteImageInput!) {
  deleteImage(input: $input) { deletedId errors { code message path } }
}`);

type Named = Pick<ImageRow, "id" | "filename">;

/** The image is out of sight at once. The server deletes it for good, so it is told only when the way back is closed. */
export function useDelete(done: (id: string) => void = () => {}): (row: Named) => void {
  const text = useText(examine).table;
  const { client } = useLink();

  const tell = async ({ id, filename }: Named) => {
    // The page may be closing, and the message is to arrive all the same.
    const context = { fetchOptions: { headers: HEADERS, keepalive: true } };
    const { data } = await client.mutation(DELETE, { input: { id } }, context);
    if (data && outcomeOf(data).status === "done") {
      done(id);
      return;
    }
    hidden.remove(id);
    toasts.show({ message: text.notDeleted(filename), tone: "failed" });
  };

  return (row) => {
    hidden.add(row.id);
    toasts.show({
      message: text.deleted(row.filename),
      tone: "done",
      undo: () => hidden.remove(row.id),
      gone: () => void tell(row),
    });
  };
}
