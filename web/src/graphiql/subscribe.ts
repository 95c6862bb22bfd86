/** Subscriptions over graphql-transport-ws, each on a socket of its own with the headers of its tab. */

import type { FetcherParams } from "@graphiql/toolkit";
import type { ExecutionResult } from "graphql";
import { createClient } from "graphql-ws";
import { ENDPOINT } from "../graphql/request";

/** connection_init's payload: headers in lower case, {"authorization": "Bearer …"}. */
export function connectionParams(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/**
 * What to show when an operation ends badly: the server's errors as they are, all else in words. No Error is
 * among them, since GraphiQL would show its stack.
 */
export function inWords(reason: unknown): unknown {
  if (Array.isArray(reason)) return reason;
  if (reason instanceof Error) return { message: reason.message };
  const { code, reason: why } = reason as { code?: number; reason?: string };
  return {
    message: code ? `The server closed the socket: ${code} ${why ?? ""}`.trim() : "There is no connection",
  };
}

/** The events of a subscription, until the server ends it or the caller returns. */
export function subscribe(
  params: FetcherParams,
  headers: Record<string, string>,
): AsyncIterableIterator<ExecutionResult> {
  const url = new URL(ENDPOINT, window.location.href);
  url.protocol = url.protocol.replace("http", "ws");
  const client = createClient({
    url: url.href,
    connectionParams: connectionParams(headers),
    retryAttempts: 0,
  });
  const request = { ...params, operationName: params.operationName ?? null };
  const events = client.iterate(request) as AsyncIterableIterator<ExecutionResult>;
  // No generator: its return() would wait for the next event, and so for ever.
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      try {
        return await events.next();
      } catch (reason) {
        throw inWords(reason);
      }
    },
    async return() {
      await events.return?.();
      return { done: true, value: undefined };
    },
  };
}
