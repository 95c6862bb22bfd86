/** Who is signed in, in GraphiQL's footer, with the way in or out. */

import { useEffect, useState, useSyncExternalStore } from "react";
import { useSession } from "../session/useSession";
import { leave, who } from "./viewer";

export function Account() {
  const { mark, hasEnded } = useSession();
  const viewer = useSyncExternalStore(who.subscribe, who.get);
  const [hasFailed, setFailed] = useState(false);

  // biome-ignore lint/correctness/useExhaustiveDependencies: with each session it is somebody else
  useEffect(() => {
    setFailed(false);
    void who.look();
  }, [mark]);

  if (!mark) {
    return (
      <span>
        {hasEnded ? "The session has ended." : "Nobody is signed in."} Sign in by the tab SignIn, or on{" "}
        <a href="/sign-in?next=/graphql">the page</a>.
      </span>
    );
  }
  return (
    <span>
      {viewer
        ? `Signed in as ${viewer.email} (${viewer.role === "ADMIN" ? "admin" : "member"}),`
        : "Signed in,"}{" "}
      in all tabs of this browser.{" "}
      <button type="button" onClick={() => leave().catch(() => setFailed(true))}>
        Sign out
      </button>
      {hasFailed && <span role="alert"> That did not work: try again, or close the browser.</span>}
    </span>
  );
}
