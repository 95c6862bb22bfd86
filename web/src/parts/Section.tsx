/** A part of a page below its heading, which names it to screen readers. */

import { type ReactNode, useId } from "react";

interface Props {
  title: string;
  className?: string;
  /** Bootstrap's classes of the heading. */
  heading?: string;
  children: ReactNode;
}

export function Section({ title, className, heading = "h5", children }: Props) {
  const id = useId();
  return (
    <section className={className} aria-labelledby={id}>
      <h2 className={heading} id={id}>
        {title}
      </h2>
      {children}
    </section>
  );
}

/** The same on a card. */
export function Card({ title, className = "card", heading = "h5", children }: Props) {
  const id = useId();
  return (
    <section className={className} aria-labelledby={id}>
      <div className="card-body">
        <h2 className={heading} id={id}>
          {title}
        </h2>
        {children}
      </div>
    </section>
  );
}
