/** Whether what is followed is being heard, for the banner that says so. */

import { Observable } from "../observable";

class Connection extends Observable<"lost" | "found"> {
  /** A subscription has lost its connection and waits for another. */
  lost(): void {
    this.become("lost");
  }

  /** The socket stands, or nobody listens any more. */
  found(): void {
    this.become("found");
  }
}

export const connection = new Connection("found");
