/** A code of the second factor, of an app or a recovery code. */

import { Field } from "./Field";

export function CodeField({ label, hint }: { label: string; hint?: string }) {
  return (
    <Field
      name="code"
      label={label}
      autoComplete="one-time-code"
      autoCapitalize="off"
      spellCheck={false}
      required
      {...(hint ? { hint } : {})}
    />
  );
}
