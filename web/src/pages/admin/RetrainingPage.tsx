/** Retraining: what the next run waits for, the one under way, those before it, and the policy. */

import { useState } from "react";
import { AdminPage } from "../../admin/AdminPage";
import { NextRun } from "../../admin/NextRun";
import { PastRuns } from "../../admin/PastRuns";
import { PolicySection } from "../../admin/PolicySection";
import { admin } from "../../texts/admin";
import { useText } from "../../texts/useText";

export function RetrainingPage() {
  return (
    <AdminPage title={useText(admin).sections.retraining.name}>
      <Runs />
      <PolicySection />
    </AdminPage>
  );
}

function Runs() {
  const [count, setCount] = useState(0);
  return (
    <>
      <NextRun ended={() => setCount(count + 1)} />
      <PastRuns key={count} />
    </>
  );
}
