/** Subscriptions that nothing is missed of, whatever becomes of their socket. */

import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "graphql-ws";
import { WebSocket } from "ws";
import { bearer, socketUrl } from "./live.js";

/** A graphql-ws client whose subscriptions begin again behind the last event that they have heard of. */
export function resumingClient(token, opened = () => {}) {
  const client = createClient({
    url: socketUrl,
    webSocketImpl: WebSocket,
    connectionParams: () => bearer(token()),
    retryAttempts: 10,
    retryWait: () => sleep(200),
    shouldRetry: () => true,
    on: { opened },
  });
  const subscribe = (payload, sink) => {
    const request = { ...payload, variables: { ...payload.variables } };
    const next = (result) => {
      const [event] = Object.values(result.data ?? {});
      if (event?.cursor) request.variables.after = event.cursor; // is sent again with each new socket
      sink.next(result);
    };
    return client.subscribe(request, {
      next,
      error: (error) => sink.error(error),
      complete: () => sink.complete(),
    });
  };
  return { ...client, subscribe };
}
