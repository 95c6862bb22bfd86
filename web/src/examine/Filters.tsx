/** Which of the images are shown, and in which order. */

import { type ReactNode, useEffect, useId, useState } from "react";
import { Choice } from "../forms/Choice";
import { FINDINGS, type Finding } from "../images/labelChoices";
import type { ImageFilter } from "../images/useImages";
import { examine } from "../texts/examine";
import { findings } from "../texts/findings";
import { useText } from "../texts/useText";

const TYPING_MS = 300;

interface Props {
  filter: ImageFilter;
  onChange: (filter: ImageFilter) => void;
}

/** The filter with one thing changed; what does not matter is left out. */
function withOne<Key extends keyof ImageFilter>(
  filter: ImageFilter,
  key: Key,
  value: ImageFilter[Key],
): ImageFilter {
  const { [key]: _, ...others } = filter;
  return value === null || value === undefined || value === "" ? others : { ...others, [key]: value };
}

/** What is below it, the choice of an order, stands among the others. */
export function Filters({ filter, onChange, children }: Props & { children: ReactNode }) {
  const text = useText(examine).filter;
  const words = useText(findings);
  const id = useId();
  return (
    <search className="filters">
      <SearchField filter={filter} onChange={onChange} />
      <Choice<Finding | "">
        label={text.finding}
        value={filter.finding ?? ""}
        options={[["", text.any], ...FINDINGS.map((finding) => [finding, words[finding]] as const)]}
        onChange={(finding) => onChange(withOne(filter, "finding", finding || null))}
      />
      <Choice
        label={text.labelled}
        value={String(filter.labelled ?? "")}
        options={[
          ["", text.any],
          ["true", text.yes],
          ["false", text.no],
        ]}
        onChange={(labelled) => onChange(withOne(filter, "labelled", labelled ? labelled === "true" : null))}
      />
      {children}
      <div className="form-check">
        <input
          className="form-check-input"
          type="checkbox"
          id={id}
          checked={filter.findingChanged === true}
          onChange={(event) => onChange(withOne(filter, "findingChanged", event.target.checked || null))}
        />
        <label className="form-check-label" htmlFor={id}>
          {text.changed}
        </label>
      </div>
    </search>
  );
}

/** Searches when the typing pauses. */
function SearchField({ filter, onChange }: Props) {
  const text = useText(examine).filter;
  const id = useId();
  const [typed, setTyped] = useState(filter.search ?? "");
  useEffect(() => {
    if (typed === (filter.search ?? "")) return;
    const timer = setTimeout(() => onChange(withOne(filter, "search", typed)), TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed, filter, onChange]);
  return (
    <div>
      <label className="form-label" htmlFor={id}>
        {text.search}
      </label>
      <input
        className="form-control"
        id={id}
        type="search"
        maxLength={255}
        value={typed}
        onChange={(event) => setTyped(event.target.value)}
      />
    </div>
  );
}
