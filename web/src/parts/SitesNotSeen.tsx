/** What such a model reaches at hospitals that it has not seen: less, and this is said as loudly. */

import { home } from "../texts/home";
import { useFormat, useText } from "../texts/useText";
import { type Estimate, useEstimateWords } from "./estimate";

export interface Site {
  taughtBy: string[];
  shown: string[];
  positives: number;
  negatives: number;
  sensitivity: Estimate | null;
  specificity: Estimate | null;
  auc: Estimate | null;
}

export function SitesNotSeen({ sites }: { sites: Site[] }) {
  const text = useText(home).elsewhere;
  return (
    <>
      <h3 className="h6">{text.heading}</h3>
      <div className="alert alert-warning">
        <strong>{text.warning}</strong> {sites.length > 0 ? text.shown : text.unknown}
        {sites.length > 0 && (
          <ul className="sites">
            {sites.map((site) => (
              <OneSite key={site.shown.join()} site={site} />
            ))}
          </ul>
        )}
      </div>
    </>
  );
}

function OneSite({ site }: { site: Site }) {
  const text = useText(home);
  const { list, number } = useFormat();
  const inWords = useEstimateWords();
  const figures = [
    { name: "AUC", estimate: site.auc },
    { name: text.model.sensitivity.toLowerCase(), estimate: site.sensitivity },
    { name: text.model.specificity.toLowerCase(), estimate: site.specificity },
  ].flatMap(({ name, estimate }) => (estimate ? [`${name} ${inWords(estimate)}`] : []));
  return (
    <li>
      {figures.join("; ")}
      <span className="site-names">
        {text.elsewhere.site(
          list(site.taughtBy),
          list(site.shown),
          number(site.positives),
          number(site.negatives),
        )}
      </span>
    </li>
  );
}
