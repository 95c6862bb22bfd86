/** Asks before something is done that has no easy way back: the browser's own dialog, which keeps the focus. */

import { type ReactNode, useEffect, useId, useRef } from "react";
import { TextField } from "../forms/Field";
import { Form, type Values } from "../forms/Form";
import type { Outcome } from "../graphql/useMutate";
import { admin } from "../texts/admin";
import { common } from "../texts/common";
import { useText } from "../texts/useText";

interface Props<Payload> {
  title: string;
  /** The words on the button. */
  action: string;
  send: (values: Values) => Promise<Outcome<Payload>>;
  done: (payload: Payload) => void;
  close: () => void;
  /** What happens then, and what else there is to fill in. */
  children: ReactNode;
}

export function Dialog<Payload>({ title, action, send, done, close, children }: Props<Payload>) {
  const text = useText(common);
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  return (
    <dialog className="dialog" ref={dialog} aria-labelledby={id} onClose={close}>
      <h2 className="h5" id={id}>
        {title}
      </h2>
      <Form
        action={action}
        send={send}
        done={(payload) => {
          close();
          done(payload);
        }}
        beside={
          <button type="button" className="btn btn-outline-primary" onClick={close}>
            {text.cancel}
          </button>
        }
      >
        {children}
      </Form>
    </dialog>
  );
}

/** Why something is done, for the history. */
export function ReasonField() {
  const text = useText(admin);
  return (
    <TextField name="reason" label={text.reason} hint={text.reasonHint} rows={3} maxLength={500} required />
  );
}
