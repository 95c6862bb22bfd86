/** Who is signed in, with the way out; or the ways in. */

import { Link, useLocation } from "wouter";
import { graphql } from "../graphql/graphql";
import { useMutate } from "../graphql/useMutate";
import { session, useSession } from "../session/useSession";
import { common } from "../texts/common";
import { useText } from "../texts/useText";
import { toasts } from "../toasts/toasts";
import { useViewer } from "./Viewed";

const SIGN_OUT = graphql(`mutation SignOut { signOut { signedOut errors { code message path } } }`);

export function Account() {
  const { mark } = useSession();
  return mark ? <SignedIn /> : <SignedOut />;
}

function SignedIn() {
  const text = useText(common);
  const viewer = useViewer();
  const [, navigate] = useLocation();
  const [signOut, isUnderWay] = useMutate(SIGN_OUT);
  const leave = async () => {
    // What could still be undone is done before nobody may do it any more.
    toasts.dismissAll();
    const { status } = await signOut({});
    if (status !== "done") {
      // The server alone can take the cookie away: whoever comes next would be signed in by it.
      toasts.show({ message: text.notSignedOut, tone: "failed" });
      return;
    }
    session.leave();
    navigate("/");
  };
  return (
    <div>
      <p className="small mb-1 text-break">
        <span className="text-body-secondary">{text.signedInAs}</span>
        <br />
        {viewer?.name ?? " "}
      </p>
      <div className="d-flex flex-wrap gap-2">
        <Link className="btn btn-sm btn-outline-primary" href="/account">
          {text.account}
        </Link>
        <button
          type="button"
          className="btn btn-sm btn-outline-primary"
          disabled={isUnderWay}
          onClick={() => void leave()}
        >
          {text.signOut}
        </button>
      </div>
    </div>
  );
}

function SignedOut() {
  const text = useText(common);
  return (
    <div className="d-flex flex-wrap gap-2">
      <Link className="btn btn-sm btn-primary" href="/sign-in">
        {text.signIn}
      </Link>
      <Link className="btn btn-sm btn-outline-primary" href="/sign-up">
        {text.signUp}
      </Link>
    </div>
  );
}
