/** A password, hidden unless whoever types it wants to see it. */

import { useState } from "react";
import { common } from "../texts/common";
import { useText } from "../texts/useText";
import { Below, useDescribed } from "./Field";

interface Props {
  /** As in the input of the mutation; `password` where left out. */
  name?: string;
  label: string;
  hint?: string;
  /** Which one, for password managers. */
  autoComplete: "current-password" | "new-password";
}

export function PasswordField({ name = "password", label, hint, autoComplete }: Props) {
  const text = useText(common);
  const [isShown, setShown] = useState(false);
  const { id, problems, attributes } = useDescribed(name, hint);
  return (
    <div className="mb-3">
      <label className="form-label" htmlFor={id}>
        {label}
      </label>
      <div className="input-group">
        <input
          className={problems.length > 0 ? "form-control is-invalid" : "form-control"}
          type={isShown ? "text" : "password"}
          autoComplete={autoComplete}
          required
          {...attributes}
        />
        <button
          type="button"
          className="btn btn-outline-secondary"
          aria-label={isShown ? text.hidePassword : text.showPassword}
          aria-pressed={isShown}
          onClick={() => setShown(!isShown)}
        >
          <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
            <path
              d="M2 12c3-5 6.5-7 10-7s7 2 10 7c-3 5-6.5 7-10 7s-7-2-10-7z"
              fill="none"
              stroke="currentColor"
              strokeWidth="1.7"
            />
            <circle cx="12" cy="12" r="3" fill="currentColor" />
            {isShown && <path d="M3 3l18 18" stroke="currentColor" strokeWidth="1.7" />}
          </svg>
        </button>
      </div>
      <Below id={id} hint={hint} problems={problems} />
    </div>
  );
}
