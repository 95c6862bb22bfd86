/** Sends a mutation, and tells what became of it: its payload, what stands in the way, or that it failed. */

import { useCallback, useState } from "react";
import { useClient } from "urql";
import { type Failure, failureOfOperation } from "./failure";
import type { TadaDocumentNode } from "./graphql";

/** What the user can put right. */
export interface Problem {
  code: string;
  message: string;
  path: string[] | null;
}

export type Outcome<Payload> =
  | { status: "done"; payload: Payload }
  | { status: "refused"; problems: Problem[] }
  | { status: "failed"; failure: Failure };

type PayloadOf<Data> = NonNullable<Data[keyof Data]>;

/**
 * The mutation has one field, whose payload asks for `errors { code message path }`. The second of the answer tells
 * whether it is under way.
 */
export function useMutate<Data extends object, Variables extends Record<string, unknown>>(
  mutation: TadaDocumentNode<Data, Variables>,
): [(variables: Variables) => Promise<Outcome<PayloadOf<Data>>>, boolean] {
  const client = useClient();
  const [isUnderWay, setUnderWay] = useState(false);
  const send = useCallback(
    async (variables: Variables): Promise<Outcome<PayloadOf<Data>>> => {
      setUnderWay(true);
      try {
        const { data, error } = await client.mutation<Data>(mutation, variables);
        if (!data) {
          const failure: Failure = error
            ? failureOfOperation(error)
            : { kind: "INTERNAL", message: "the answer is empty" };
          return { status: "failed", failure };
        }
        return outcomeOf<PayloadOf<Data>>(data);
      } finally {
        setUnderWay(false);
      }
    },
    [client, mutation],
  );
  return [send, isUnderWay];
}

/** What the payload of an answer's one field says. */
export function outcomeOf<Payload>(data: object): Outcome<Payload> {
  const [payload] = Object.values(data) as [Payload & { errors: Problem[] }];
  if (payload.errors.length > 0) return { status: "refused", problems: payload.errors };
  return { status: "done", payload };
}
