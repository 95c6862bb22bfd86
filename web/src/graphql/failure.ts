/** What went wrong with an operation as a whole, in few kinds that the pages have words for. */

import type { CombinedError } from "urql";

export type FailureKind =
  | "UNREACHABLE"
  | "UNAUTHENTICATED"
  | "FORBIDDEN"
  | "SECOND_FACTOR_REQUIRED"
  | "BAD_USER_INPUT"
  | "RATE_LIMITED"
  | "INTERNAL";

export interface Failure {
  kind: FailureKind;
  /** The server's own words; of faults they hold the number to quote. */
  message: string;
}

interface CodedError {
  message: string;
  extensions?: Record<string, unknown> | undefined;
}

const KINDS: readonly string[] = [
  "UNAUTHENTICATED",
  "FORBIDDEN",
  "SECOND_FACTOR_REQUIRED",
  "BAD_USER_INPUT",
  "RATE_LIMITED",
];

/** The failure that a list of GraphQL errors tells of: that of the first. */
export function failureOf(errors: readonly CodedError[]): Failure {
  const [error] = errors;
  const code = String(error?.extensions?.code);
  return {
    kind: KINDS.includes(code) ? (code as FailureKind) : "INTERNAL",
    message: error?.message ?? "",
  };
}

export function failureOfOperation(error: CombinedError): Failure {
  if (error.graphQLErrors.length > 0) return failureOf(error.graphQLErrors);
  return { kind: "UNREACHABLE", message: error.networkError?.message ?? error.message };
}
