/** One's own account: its address, its password, its second factor, its sessions, a copy of all that is in it, and the way out. */

import { AddressSection } from "../account/AddressSection";
import { CopySection } from "../account/CopySection";
import { LeaveSection } from "../account/LeaveSection";
import { PasswordSection } from "../account/PasswordSection";
import { SecondFactorSection } from "../account/SecondFactorSection";
import { SessionsSection } from "../account/SessionsSection";
import { MembersOnly } from "../layout/MembersOnly";
import { Page } from "../layout/Page";
import { ownAccount } from "../texts/ownAccount";
import { useText } from "../texts/useText";

export function AccountPage() {
  const text = useText(ownAccount);
  return (
    <MembersOnly>
      {(viewer) => (
        <Page title={text.title}>
          <div className="d-grid gap-4">
            <AddressSection email={viewer.email} />
            <PasswordSection />
            <SecondFactorSection viewer={viewer} />
            <SessionsSection />
            <CopySection />
            <LeaveSection isAdmin={viewer.role === "ADMIN"} />
          </div>
        </Page>
      )}
    </MembersOnly>
  );
}
