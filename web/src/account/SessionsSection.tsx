/** Where one is signed in, and ending that. */

import { useLocation } from "wouter";
import { ActionButton } from "../admin/ActionButton";
import { graphql, type ResultOf } from "../graphql/graphql";
import { useMutate } from "../graphql/useMutate";
import { useQuery } from "../graphql/useQuery";
import { QueryView } from "../parts/QueryView";
import { Card } from "../parts/Section";
import { browserName } from "../session/browserName";
import { session } from "../session/useSession";
import { ownAccount } from "../texts/ownAccount";
import { useFormat, useText } from "../texts/useText";
import { toasts } from "../toasts/toasts";

const SESSIONS = graphql(`query Sessions { sessions { id client createdAt expiresAt current } }`);

const END = graphql(`mutation EndSession($input: EndSessionInput!) {
  endSession(input: $input) { endedId errors { code message path } }
}`);

const END_ALL = graphql(`mutation SignOutEverywhere {
  signOutEverywhere { signedOut errors { code message path } }
}`);

type Listed = ResultOf<typeof SESSIONS>["sessions"][number];

const tell = (message: string) => toasts.show({ message, tone: "done" });

export function SessionsSection() {
  const { sessions: text } = useText(ownAccount);
  const state = useQuery(SESSIONS, {});
  return (
    <Card title={text.title}>
      <QueryView state={state} what={text.what}>
        {({ sessions }) => (
          <>
            <ul className="list-unstyled mb-3">
              {sessions.map((one) => (
                <Item session={one} ended={state.status === "ready" ? state.retry : () => {}} key={one.id} />
              ))}
            </ul>
            <Everywhere />
          </>
        )}
      </QueryView>
    </Card>
  );
}

function Item({ session: one, ended }: { session: Listed; ended: () => void }) {
  const { sessions: text } = useText(ownAccount);
  const { moment } = useFormat();
  const name = useName(one.client);
  const [end, isUnderWay] = useMutate(END);
  const since = text.since(moment(one.createdAt));
  const endIt = async () => {
    const outcome = await end({ input: { id: one.id } });
    if (outcome.status === "done") tell(text.ended);
    ended();
  };
  return (
    <li className="d-flex flex-wrap align-items-center justify-content-between gap-2 py-2 border-bottom">
      <span>
        <span className="text-break">{name}</span>
        {one.current && <strong> ({text.current})</strong>}
        <span className="small text-body-secondary d-block">
          {since}, {text.until(moment(one.expiresAt))}
        </span>
      </span>
      {!one.current && (
        <button
          type="button"
          className="btn btn-sm btn-outline-primary"
          aria-label={text.endOf(name, since)}
          disabled={isUnderWay}
          onClick={() => void endIt()}
        >
          {text.end}
        </button>
      )}
    </li>
  );
}

function useName(client: string | null): string {
  const { sessions: text } = useText(ownAccount);
  if (!client) return text.unknown;
  const { browser, system } = browserName(client);
  return system ? text.on(browser, system) : browser;
}

function Everywhere() {
  const { sessions: text } = useText(ownAccount);
  const [, navigate] = useLocation();
  const [endAll] = useMutate(END_ALL);
  return (
    <ActionButton
      name={text.everywhere}
      send={() => endAll({})}
      done={() => {
        session.leave();
        navigate("/");
        tell(text.allEnded);
      }}
    >
      <p>{text.everywhereLead}</p>
    </ActionButton>
  );
}
