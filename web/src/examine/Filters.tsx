/** Which of the images are shown. */

import { useEffect, useId, useState } from "react";
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

export function Filters({ filter, onChange }: Props) {
  const text = useText(examine).filter;
  const words = useText(findings);
  const id = useId();
  return (
    <search className="filters">
      <SearchField filter={filter} onChange={onChange} />
      <div>
        <label className="form-label" htmlFor={`${id}-finding`}>
          {text.finding}
        </label>
        <select
          className="form-select"
          id={`${id}-finding`}
          value={filter.finding ?? ""}
          onChange={(event) =>
            onChange(withOne(filter, "finding", (event.target.value || null) as Finding | null))
          }
        >
          <option value="">{text.any}</option>
          {FINDINGS.map((finding) => (
            <option value={finding} key={finding}>
              {words[finding]}
            </option>
          ))}
        </select>
      </div>
      <div>
        <label className="form-label" htmlFor={`${id}-labelled`}>
          {text.labelled}
        </label>
        <select
          className="form-select"
          id={`${id}-labelled`}
          value={filter.labelled === undefined ? "" : String(filter.labelled)}
          onChange={(event) =>
            onChange(withOne(filter, "labelled", event.target.value ? event.target.value === "true" : null))
          }
        >
          <option value="">{text.any}</option>
          <option value="true">{text.yes}</option>
          <option value="false">{text.no}</option>
        </select>
      </div>
      <div className="form-check">
        <input
          className="form-check-input"
          type="checkbox"
          id={`${id}-changed`}
          checked={filter.findingChanged === true}
          onChange={(event) => onChange(withOne(filter, "findingChanged", event.target.checked || null))}
        />
        <label className="form-check-label" htmlFor={`${id}-changed`}>
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
