/** A button that asks first. */

import { type ReactNode, useState } from "react";
import type { Values } from "../forms/Form";
import type { Outcome } from "../graphql/useMutate";
import { Dialog } from "./Dialog";

interface Props<Payload> {
  name: string;
  /** The name with what it is done to, for screen readers and as the dialog's title. */
  title: string;
  isDangerous?: boolean;
  send: (values: Values) => Promise<Outcome<Payload>>;
  done: (payload: Payload) => void;
  /** What happens then, and what else there is to fill in. */
  children: ReactNode;
}

export function ActionButton<Payload>({ name, title, isDangerous, send, done, children }: Props<Payload>) {
  const [isAsked, setAsked] = useState(false);
  return (
    <>
      <button
        type="button"
        className={`btn btn-sm ${isDangerous ? "btn-outline-danger" : "btn-outline-primary"}`}
        aria-label={title}
        onClick={() => setAsked(true)}
      >
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
