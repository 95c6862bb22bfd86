/** Which entries of the trail are shown. */

import { useId } from "react";
import { Choice } from "../forms/Choice";
import { trail as texts } from "../texts/trail";
import { useText } from "../texts/useText";
import { KINDS, type TrailKind } from "./TrailTable";
import type { Wanted } from "./trail";

interface Props {
  wanted: Wanted;
  onChange: (wanted: Wanted) => void;
}

export function TrailFilters({ wanted, onChange }: Props) {
  const text = useText(texts);
  const words = text.filter;
  return (
    <search>
      <div className="filters">
        <Choice<TrailKind | "">
          label={words.kind}
          value={wanted.kind}
          options={[["", words.any], ...KINDS.map((kind) => [kind, text.kind[kind]] as const)]}
          onChange={(kind) => onChange({ ...wanted, kind })}
        />
        <Day label={words.since} day={wanted.since} onChange={(since) => onChange({ ...wanted, since })} />
        <Day label={words.until} day={wanted.until} onChange={(until) => onChange({ ...wanted, until })} />
      </div>
      {wanted.actor && (
        <p>
          {words.by(wanted.actor.name)}{" "}
          <button
            type="button"
            className="btn btn-sm btn-outline-secondary"
            onClick={() => onChange({ ...wanted, actor: null })}
          >
            {words.everybody}
          </button>
        </p>
      )}
    </search>
  );
}

interface DayProps {
  label: string;
  day: string;
  onChange: (day: string) => void;
}

function Day({ label, day, onChange }: DayProps) {
  const id = useId();
  return (
    <div>
      <label className="form-label" htmlFor={id}>
        {label}
      </label>
      <input
        className="form-control"
        id={id}
        type="date"
        max="9999-12-31"
        value={day}
        onChange={(event) => onChange(event.target.value)}
      />
    </div>
  );
}
