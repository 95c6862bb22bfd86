/** A page for whoever is signed in; others learn how to get there, and come back to it afterwards. */

import type { ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { QueryView } from "../parts/QueryView";
import { useSession } from "../session/useSession";
import { account } from "../texts/account";
import { common } from "../texts/common";
import { useText } from "../texts/useText";
import { Page } from "./Page";
import { useViewerState, type Viewer } from "./Viewed";

interface Props {
  children: (viewer: Viewer) => ReactNode;
}

export function MembersOnly({ children }: Props) {
  const { mark, hasEnded } = useSession();
  if (!mark) return hasEnded ? <Ended /> : <Needed />;
  // What one person's page has come to know is not for whoever signs in next, in another tab.
  return <Known key={mark}>{children}</Known>;
}

function Known({ children }: Props) {
  const text = useText(common);
  const state = useViewerState();
  return (
    <QueryView state={state} what={text.page}>
      {({ viewer }) => viewer && children(viewer)}
    </QueryView>
  );
}

function Ended() {
  const text = useText(account);
  return (
    <Page title={text.ended.title} width="narrow">
      <p>{text.ended.why}</p>
      <SignInLink name={text.ended.again} />
    </Page>
  );
}

function Needed() {
  const text = useText(account);
  const words = useText(common);
  return (
    <Page title={text.needed.title} width="narrow">
      <p>{text.needed.why}</p>
      <p className="d-flex flex-wrap gap-2">
        <SignInLink name={words.signIn} />
        <Link className="btn btn-outline-primary" href="/sign-up">
          {words.signUp}
        </Link>
      </p>
    </Page>
  );
}

function SignInLink({ name }: { name: string }) {
  const [location] = useLocation();
  return (
    <Link className="btn btn-primary" href={`/sign-in?next=${encodeURIComponent(location)}`}>
      {name}
    </Link>
  );
}
