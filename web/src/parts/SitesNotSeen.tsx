/** What such a model reaches at hospitals that it has not seen: less, and this is said as loudly. */

import { type Estimate, inWords } from "./estimate";
import { listed } from "./text";

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
  return (
    <>
      <h3 className="h6">At a hospital that it has not seen</h3>
      <div className="alert alert-warning">
        <strong>The figures above do not carry over to other hospitals.</strong>{" "}
        {sites.length > 0
          ? "When such a model was shown a site that had not taught it, it reached:"
          : "What this model reaches elsewhere is not known."}
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
  const figures = Object.entries({
    AUC: site.auc,
    sensitivity: site.sensitivity,
    specificity: site.specificity,
  }).flatMap(([name, estimate]) => (estimate ? [`${name} ${inWords(estimate)}`] : []));
  return (
    <li>
      {figures.join(", ")}
      <span className="site-names">
        taught by {listed(site.taughtBy)}, shown {listed(site.shown)} ({site.positives} images with and{" "}
        {site.negatives} without COVID)
      </span>
    </li>
  );
}
