/** The end of every page: what the findings are not, and whose work this follows. */

import { common } from "../texts/common";
import { useText } from "../texts/useText";

export function Footer() {
  const text = useText(common);
  return (
    <footer className="border-top mt-5">
      <div className="container py-4 small text-body-secondary">
        <p className="mb-1">
          <strong>{text.researchOnly}</strong> {text.notADevice}
        </p>
        <p className="mb-0">
          {text.after}{" "}
          <cite lang="en">
            COVID-XR: A Web Management Platform for Coronavirus Detection on X-Ray Chest Images
          </cite>
          , Orozco, Xamena, Martínez, Rodríguez, Universidad Nacional de Salta, 2020. {text.license}
        </p>
      </div>
    </footer>
  );
}
