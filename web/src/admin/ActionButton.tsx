/** A button that asks first. */

import { type ReactNode, useState } from "react";
import type { Values } from "../forms/Form";
import type { Outcome } from "../graphql/useMutate";
import { Dialog } from "./Dialog";

interface Props<Payload> {
  name: string;
  /** The name with what it is done to, for screen readers and as the dialog's title; left out where the name says it. */
  title?: string;
  /** Bootstrap's classes of the button; a small one where left out. */
  look?: string;
  send: (values: Values) => Promise<Outcome<Payload>>;
  done: (payload: Payload) => void;
  /** What happens then, and what else there is to fill in. */
  children: ReactNode;
}

export function ActionButton<Payload>({
  name,
  title = name,
  look = "btn-sm btn-outline-primary",
  send,
  done,
  children,
}: Props<Payload>) {
  const [isAsked, setAsked] = useState(false);
  return (
    <>
      <button type="button" className={`btn ${look}`} aria-label={title} onClick={() => setAsked(true)}>
        {name}
      </button>
      {isAsked && (
        <Dialog title={title} action={name} send={send} done={done} close={() => setAsked(false)}>
          {children}
        </Dialog>
      )}
    </>
  );
}
