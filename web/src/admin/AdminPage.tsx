/** The frame of the administrators' pages: others who open one are told that it is not for them. */

import type { ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { MembersOnly } from "../layout/MembersOnly";
import { Page } from "../layout/Page";
import { admin } from "../texts/admin";
import { common } from "../texts/common";
import { useText } from "../texts/useText";
import { SECTIONS } from "./sections";

interface Props {
  title: string;
  children: ReactNode;
}

export function AdminPage({ title, children }: Props) {
  return (
    <MembersOnly>
      {(viewer) =>
        viewer.role === "ADMIN" ? (
          <Page title={title} width="wide">
            <Sections />
            {children}
          </Page>
        ) : (
          <NotForYou />
        )
      }
    </MembersOnly>
  );
}

function Sections() {
  const text = useText(admin);
  const words = useText(common);
  const [location] = useLocation();
  return (
    <nav aria-label={words.admin}>
      <ul className="admin-sections">
        {SECTIONS.map(({ name, path }) => (
          <li key={path}>
            <Link
              href={path}
              aria-current={
                location === path ? "page" : location.startsWith(`${path}/`) ? "location" : undefined
              }
            >
              {text.sections[name].name}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function NotForYou() {
  const text = useText(admin).notForYou;
  return (
    <Page title={text.title} width="narrow">
      <p>{text.why}</p>
      <p>
        <Link href="/contact">{text.ask}</Link>
      </p>
    </Page>
  );
}
