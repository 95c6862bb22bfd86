/** Who is signed in, in GraphiQL's footer, with the way in or out. */

import { stringifyDocument } from "@urql/core";
import { useEffect, useState } from "react";
import { graphql, type ResultOf, type TadaDocumentNode } from "../graphql/graphql";
import { post } from "../graphql/request";
import { session, useSession } from "../session/useSession";
import { authorised } from "./session";

const WHO = graphql(`query Who { viewer { email role } }`);
const LEAVE = graphql(`mutation Leave { signOut { signedOut } }`);

type Viewer = NonNullable<ResultOf<typeof WHO>["viewer"]>;

async function ask<Data>(document: TadaDocumentNode<Data>, token: string): Promise<Data | null> {
  const query = stringifyDocument(document);
  const answer = (await post({ query }, authorised({}, token))) as { data?: Data | null };
  return answer.data ?? null;
}

export function Account() {
  const { token, hasEnded } = useSession();
  const [viewer, setViewer] = useState<Viewer | null>(null);

  useEffect(() => {
    let current = true;
    setViewer(null);
    if (token) {
      ask(WHO, token).then(
        (data) => {
          if (!current) return;
          if (data?.viewer) setViewer(data.viewer);
          else session.end(token);
        },
        () => {},
      );
    }
    return () => {
      current = false;
    };
  }, [token]);

  if (!token) {
    return (
      <span>
        {hasEnded ? "The session has ended." : "Nobody is signed in."} The tab SignIn does it, or{" "}
        <a href="/sign-in?next=/graphql">the page</a>.
      </span>
    );
  }
  const leave = () => {
    ask(LEAVE, token).catch(() => {});
    session.leave();
  };
  return (
    <span>
      {viewer
        ? `Signed in as ${viewer.email} (${viewer.role === "ADMIN" ? "admin" : "member"}).`
        : "Signed in."}{" "}
      All tabs send that token.{" "}
      <button type="button" onClick={leave}>
        Sign out
      </button>
    </span>
  );
}
