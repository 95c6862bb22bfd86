/** One of a few things to choose, with its label. */

import { useId } from "react";

interface Props<Value extends string> {
  label: string;
  /** Whether the label is for screen readers alone, since what stands around says it. */
  isLabelHidden?: boolean;
  value: Value;
  /** What there is, with its name. */
  options: readonly (readonly [Value, string])[];
  onChange: (value: Value) => void;
  isDisabled?: boolean;
}

export function Choice<Value extends string>({
  label,
  isLabelHidden,
  value,
  options,
  onChange,
  isDisabled,
}: Props<Value>) {
  const id = useId();
  return (
    <div>
      <label className={isLabelHidden ? "visually-hidden" : "form-label"} htmlFor={id}>
        {label}
      </label>
      <select
        id={id}
        className={isLabelHidden ? "form-select form-select-sm" : "form-select"}
        value={value}
        disabled={isDisabled}
        onChange={(event) => onChange(event.target.value as Value)}
      >
        {options.map(([one, name]) => (
          <option value={one} key={one}>
            {name}
          </option>
        ))}
      </select>
    </div>
  );
}
