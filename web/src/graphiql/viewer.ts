/** Asks who is signed in in this browser, and signs out, for GraphiQL's page. */

import { stringifyDocument } from "@urql/core";
import { graphql, type TadaDocumentNode } from "../graphql/graphql";
import { post } from "../graphql/request";
import { session } from "../session/useSession";
import { Who } from "./who";

const WHO = graphql(`query Who { viewer { id email role } }`);
const LEAVE = graphql(`mutation Leave { signOut { signedOut } }`);

async function ask<Data>(document: TadaDocumentNode<Data>): Promise<Data> {
  const { data } = (await post({ query: stringifyDocument(document) })) as { data?: Data | null };
  if (!data) throw new Error("The server did not do it");
  return data;
}

export const who = new Who(session, async () => (await ask(WHO)).viewer);

/** Rejects where the server did not do it: then the browser is still signed in. */
export async function leave(): Promise<void> {
  await ask(LEAVE);
  session.leave();
}
