/** The start of the administration: what there is to look after. */

import { Link } from "wouter";
import { AdminPage } from "../../admin/AdminPage";
import { SECTIONS } from "../../admin/sections";
import { admin } from "../../texts/admin";
import { common } from "../../texts/common";
import { useText } from "../../texts/useText";

export function AdminStartPage() {
  return (
    <AdminPage title={useText(common).admin}>
      <Overview />
    </AdminPage>
  );
}

function Overview() {
  const text = useText(admin);
  return (
    <ul className="admin-overview">
      {SECTIONS.map(({ name, path }) => (
        <li className="card" key={path}>
          <div className="card-body">
            <h2 className="h5">
              <Link href={path}>{text.sections[name].name}</Link>
            </h2>
            <p className="mb-0">{text.sections[name].about}</p>
          </div>
        </li>
      ))}
    </ul>
  );
}
