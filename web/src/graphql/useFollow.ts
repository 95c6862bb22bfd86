/** Hears a subscription for as long as a component is there, through every loss of the connection. */

import { useEffect, useEffectEvent } from "react";
import { connection } from "./connection";
import { follow, untilNextAttempt } from "./follow";
import type { TadaDocumentNode } from "./graphql";
import { useLink } from "./Linked";
import { sourceOf } from "./link";

interface Hearing<Data> {
  /** Each event, in order, none twice. */
  heard: (data: Data) => void;
  /** Whatever happens from now on is heard: the moment to ask for what is there already. */
  begun?: () => void;
}

/** `document` is a subscription with a variable `$after` and a `cursor` in its answer. */
export function useFollow<Data extends object, Variables extends { after?: string | null | undefined }>(
  document: TadaDocumentNode<Data, Variables>,
  hearing: Hearing<Data>,
): void {
  const link = useLink();
  const heard = useEffectEvent(hearing.heard);
  const begun = useEffectEvent(() => hearing.begun?.());

  useEffect(() => {
    const source = sourceOf(link, document);
    const hearer = { heard: (data: Data) => heard(data), begun: () => begun() };
    const stop = follow(source, hearer, untilNextAttempt);
    return () => {
      stop();
      connection.found();
    };
  }, [link, document]);
}
