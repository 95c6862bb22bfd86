/** The second factor of the account: setting it up with an app, the recovery codes, and turning it off. */

import { type ReactNode, useEffect, useRef, useState } from "react";
import { ActionButton } from "../admin/ActionButton";
import { CodeField } from "../forms/CodeField";
import { Form } from "../forms/Form";
import { PasswordField } from "../forms/PasswordField";
import { graphql } from "../graphql/graphql";
import { useMutate } from "../graphql/useMutate";
import type { Viewer } from "../layout/Viewed";
import { QrCode } from "../parts/QrCode";
import { Card } from "../parts/Section";
import { account } from "../texts/account";
import { secondFactor } from "../texts/secondFactor";
import { useFormat, useText } from "../texts/useText";
import { toasts } from "../toasts/toasts";

const BEGIN = graphql(`mutation BeginSecondFactor($input: BeginSecondFactorInput!) {
  beginSecondFactor(input: $input) { secret uri errors { code message path } }
}`);

const CONFIRM = graphql(`mutation ConfirmSecondFactor($input: ConfirmSecondFactorInput!) {
  confirmSecondFactor(input: $input) { recoveryCodes user { id secondFactorSince } errors { code message path } }
}`);

const END = graphql(`mutation EndSecondFactor($input: EndSecondFactorInput!) {
  endSecondFactor(input: $input) { user { id secondFactorSince } errors { code message path } }
}`);

interface Made {
  secret: string;
  uri: string;
}

export function SecondFactorSection({ viewer }: { viewer: Viewer }) {
  const text = useText(secondFactor);
  const [made, setMade] = useState<Made | null>(null);
  const [codes, setCodes] = useState<string[] | null>(null);
  const turnedOn = (told: string[]) => {
    setMade(null);
    setCodes(told);
  };
  return (
    <Card title={text.title}>
      {codes ? (
        <RecoveryCodes codes={codes} kept={() => setCodes(null)} />
      ) : viewer.secondFactorSince ? (
        <On since={viewer.secondFactorSince} />
      ) : made ? (
        <Confirming made={made} done={turnedOn} />
      ) : (
        <Off isAdmin={viewer.role === "ADMIN"} done={setMade} />
      )}
    </Card>
  );
}

function Off({ isAdmin, done }: { isAdmin: boolean; done: (made: Made) => void }) {
  const text = useText(secondFactor);
  const { password } = useText(account);
  const [begin] = useMutate(BEGIN);
  return (
    <>
      <p>{text.isOff}</p>
      {isAdmin && <p>{text.neededByAdmins}</p>}
      <ActionButton
        name={text.begin}
        look="btn-primary"
        send={(value) => begin({ input: { password: value("password") } })}
        done={({ secret, uri }) => secret && uri && done({ secret, uri })}
      >
        <p>{text.beginLead}</p>
        <PasswordField label={password} autoComplete="current-password" />
      </ActionButton>
    </>
  );
}

function Confirming({ made, done }: { made: Made; done: (codes: string[]) => void }) {
  const text = useText(secondFactor);
  const [confirm] = useMutate(CONFIRM);
  return (
    <Form
      action={text.confirm}
      send={(value) => confirm({ input: { code: value("code") } })}
      done={({ recoveryCodes }) => recoveryCodes && done(recoveryCodes)}
    >
      <Lead>{text.scan}</Lead>
      <QrCode text={made.uri} label={text.qr} />
      <p className="mt-3">
        {text.byHand} <code className="text-break">{made.secret}</code>
      </p>
      <CodeField label={text.code} hint={text.codeHint} />
    </Form>
  );
}

function RecoveryCodes({ codes, kept }: { codes: string[]; kept: () => void }) {
  const text = useText(secondFactor);
  return (
    <>
      <Lead>{text.recoveryLead}</Lead>
      <h3 className="h6">{text.recovery}</h3>
      <ul className="list-unstyled">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <button type="button" className="btn btn-primary" onClick={kept}>
        {text.kept}
      </button>
    </>
  );
}

/** What takes the focus, since the button that led here is gone. */
function Lead({ children }: { children: ReactNode }) {
  const lead = useRef<HTMLParagraphElement>(null);
  useEffect(() => lead.current?.focus(), []);
  return (
    <p ref={lead} tabIndex={-1}>
      {children}
    </p>
  );
}

function On({ since }: { since: string }) {
  const text = useText(secondFactor);
  const { password } = useText(account);
  const { date } = useFormat();
  const [end] = useMutate(END);
  return (
    <>
      <p>{text.isOn(date(since))}</p>
      <ActionButton
        name={text.end}
        look="btn-outline-danger"
        send={(value) => end({ input: { password: value("password"), code: value("code") } })}
        done={() => toasts.show({ message: text.ended, tone: "done" })}
      >
        <p>{text.endLead}</p>
        <PasswordField label={password} autoComplete="current-password" />
        <CodeField label={text.anyCode} />
      </ActionButton>
    </>
  );
}
