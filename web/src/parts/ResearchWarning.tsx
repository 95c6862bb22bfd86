/** The warning that goes with every finding. */

export function ResearchWarning() {
  return (
    <div className="alert alert-warning mb-0" role="note">
      <strong>For research, not for diagnosis.</strong> A finding of COVID-XR is the output of a statistical
      model. It does not replace a test, a radiologist or a physician, and must not guide anyone’s treatment.
    </div>
  );
}
