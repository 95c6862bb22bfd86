/** A page: its title in the browser and on top, where the focus goes when the page is opened. */

import { type ReactNode, useEffect, useRef } from "react";

interface Props {
  title: string;
  /** Narrow for forms and texts, wide for tables. */
  width?: "narrow" | "text" | "wide";
  /** Beside the title. */
  aside?: ReactNode;
  children: ReactNode;
}

const CLASSES = {
  narrow: "container narrow",
  text: "container text-page",
  wide: "container-fluid wide-page",
};

/** The first page of a visit leaves the focus where the browser puts it. */
let isFirst = true;

export function Page({ title, width = "text", aside, children }: Props) {
  const heading = useHeading(title);
  return (
    <div className={`${CLASSES[width]} py-4 py-lg-5`}>
      <div className="page-head">
        <h1 className="h2 mb-0" ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {aside}
      </div>
      {children}
    </div>
  );
}

/** Names the page to the browser, and takes the focus to its heading, so that screen readers say where they are. */
export function useHeading(title: string) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = title.startsWith("COVID-XR") ? title : `${title} · COVID-XR`;
  }, [title]);
  useEffect(() => {
    if (!isFirst) {
      heading.current?.focus({ preventScroll: true });
      window.scrollTo(0, 0);
    }
    isFirst = false;
  }, []);
  return heading;
}
