/** A line or a text to fill in, with its label, its hint, and what stands in the way. */

import { type InputHTMLAttributes, type TextareaHTMLAttributes, useId } from "react";
import { useFieldProblems } from "./Form";

interface Common {
  /** The field's name in the mutation's input. */
  name: string;
  label: string;
  hint?: string;
}

type Line = Common & InputHTMLAttributes<HTMLInputElement>;
type Text = Common & TextareaHTMLAttributes<HTMLTextAreaElement>;

/** What label, hint and problems have in common for every kind of field. */
export function useDescribed(name: string, hint: string | undefined) {
  const id = useId();
  const problems = useFieldProblems(name);
  const described = [hint && `${id}-hint`, problems.length > 0 && `${id}-problems`].filter(Boolean).join(" ");
  return {
    id,
    problems,
    attributes: {
      id,
      name,
      "aria-invalid": problems.length > 0,
      ...(described ? { "aria-describedby": described } : {}),
    },
  };
}

export function Field({ name, label, hint, ...input }: Line) {
  const { id, problems, attributes } = useDescribed(name, hint);
  return (
    <div className="mb-3">
      <label className="form-label" htmlFor={id}>
        {label}
      </label>
      <input
        type="text"
        className={problems.length > 0 ? "form-control is-invalid" : "form-control"}
        {...input}
        {...attributes}
      />
      <Below id={id} hint={hint} problems={problems} />
    </div>
  );
}

export function TextField({ name, label, hint, ...area }: Text) {
  const { id, problems, attributes } = useDescribed(name, hint);
  return (
    <div className="mb-3">
      <label className="form-label" htmlFor={id}>
        {label}
      </label>
      <textarea
        className={problems.length > 0 ? "form-control is-invalid" : "form-control"}
        rows={6}
        {...area}
        {...attributes}
      />
      <Below id={id} hint={hint} problems={problems} />
    </div>
  );
}

export function Below({ id, hint, problems }: { id: string; hint: string | undefined; problems: string[] }) {
  return (
    <>
      {problems.length > 0 && (
        <div className="invalid-feedback d-block" id={`${id}-problems`}>
          {problems.map((words) => (
            <div key={words}>{words}</div>
          ))}
        </div>
      )}
      {hint && (
        <div className="form-text" id={`${id}-hint`}>
          {hint}
        </div>
      )}
    </>
  );
}
