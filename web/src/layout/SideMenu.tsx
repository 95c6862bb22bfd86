/** The side menu of the paper, and what one's role adds to it. On a small screen it opens from a bar on top. */

import { useEffect, useState } from "react";
import { Link, useLocation } from "wouter";
import { common } from "../texts/common";
import { useText } from "../texts/useText";
import { Account } from "./Account";
import { LanguageSwitch } from "./LanguageSwitch";
import { useViewer } from "./Viewed";

const MENU = "side-menu";

export function SideMenu() {
  const text = useText(common);
  const [isOpen, setOpen] = useState(false);
  const [location] = useLocation();
  // biome-ignore lint/correctness/useExhaustiveDependencies: whoever has gone to a page wants to see it
  useEffect(() => setOpen(false), [location]);
  return (
    <header className="side">
      <div className="side-bar">
        <Link className="brand" href="/">
          <img src="/favicon.svg" alt="" width="28" height="28" />
          COVID-XR
        </Link>
        <button
          type="button"
          className="btn btn-outline-primary menu-button"
          aria-expanded={isOpen}
          aria-controls={MENU}
          onClick={() => setOpen(!isOpen)}
        >
          {text.menu}
        </button>
      </div>
      <div className={isOpen ? "side-menu is-open" : "side-menu"} id={MENU}>
        <nav aria-label={text.main}>
          <Entries />
        </nav>
        <div className="side-end">
          <Account />
          <LanguageSwitch />
        </div>
      </div>
    </header>
  );
}

function Entries() {
  const text = useText(common);
  const viewer = useViewer();
  return (
    <ul className="side-entries">
      <Entry href="/" name={text.home} />
      <Entry href="/news" name={text.news} />
      <Entry href="/contact" name={text.contact} />
      <Entry href="/examine" name={text.examine} />
      {viewer && <Entry href="/label-queue" name={text.queue} />}
      {viewer?.role === "ADMIN" && <Entry href="/admin" name={text.admin} />}
      <li>
        <a className="side-entry" href="/graphql">
          {text.api}
        </a>
      </li>
    </ul>
  );
}

/** A page of the menu; the pages below it belong to it. */
function Entry({ href, name }: { href: string; name: string }) {
  const [location] = useLocation();
  const isHere = location === href || (href !== "/" && location.startsWith(`${href}/`));
  return (
    <li>
      <Link className="side-entry" href={href} aria-current={isHere ? "page" : undefined}>
        {name}
      </Link>
    </li>
  );
}
