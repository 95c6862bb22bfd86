/** Gives the pages below a link to the server: a new one for each session, cache and all. */

import { createContext, type ReactNode, useContext, useEffect, useMemo } from "react";
import { Provider } from "urql";
import { session, useSession } from "../session/useSession";
import { createLink, type Link } from "./link";

const LinkContext = createContext<Link | null>(null);

export function Linked({ children }: { children: ReactNode }) {
  const { mark } = useSession();
  const link = useMemo(
    () =>
      createLink(
        () => session.isCurrent(mark),
        () => mark && session.end(mark),
      ),
    [mark],
  );
  useEffect(() => () => void link.socket.dispose(), [link]);
  return (
    <LinkContext value={link}>
      <Provider value={link.client}>{children}</Provider>
    </LinkContext>
  );
}

export function useLink(): Link {
  const link = useContext(LinkContext);
  if (!link) throw new Error("useLink needs <Linked> above it");
  return link;
}
