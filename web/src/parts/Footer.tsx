/** The end of every page: what the findings are not, and whose work this follows. */

export function Footer() {
  return (
    <footer className="border-top mt-5">
      <div className="container py-4 small text-body-secondary">
        <p className="mb-1">
          <strong>For research, not for diagnosis.</strong> COVID-XR is not a medical device.
        </p>
        <p className="mb-0">
          After{" "}
          <cite>COVID-XR: A Web Management Platform for Coronavirus Detection on X-Ray Chest Images</cite>,
          Orozco, Xamena, Martínez and Rodríguez, Universidad Nacional de Salta, 2020. Apache License 2.0.
        </p>
      </div>
    </footer>
  );
}
