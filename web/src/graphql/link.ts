/** One session's link to the server: operations over HTTP, subscriptions over one WebSocket. */

import { createClient as createSocket, type Client as Socket } from "graphql-ws";
import { Client, cacheExchange, fetchExchange, mapExchange, stringifyDocument } from "urql";
import { connection } from "./connection";
import { type Failure, type FailureKind, failureOf, failureOfOperation } from "./failure";
import type { Sink, Source } from "./follow";
import { graphql, type TadaDocumentNode } from "./graphql";
import { ENDPOINT, HEADERS } from "./request";

/** How the server closes the socket of a session that has ended. */
const SOCKET_FORBIDDEN = 4403;
/** What does not change by trying again. */
const FINAL: FailureKind[] = ["UNAUTHENTICATED", "FORBIDDEN", "SECOND_FACTOR_REQUIRED"];
const PING_MS = 15_000;
const PONG_MS = 5_000;

export interface Link {
  client: Client;
  socket: Socket;
  /** Whether the browser's cookie is still that of this session, as far as its tabs know. */
  isCurrent: () => boolean;
  /** Is called when the server knows the session no more. */
  refused: () => void;
}

/** A link of one session, or of nobody's, for as long as `isCurrent`. */
export function createLink(isCurrent: () => boolean, refused: () => void): Link {
  const client = new Client({
    url: ENDPOINT,
    preferGetMethod: false,
    requestPolicy: "cache-and-network",
    fetchOptions: { headers: HEADERS },
    // The cookie may be somebody else's by now, who is not to do what this session has left undone.
    fetch: async (address, init) => {
      if (!isCurrent()) throw new Error("The session has ended");
      return fetch(address, init);
    },
    exchanges: [
      mapExchange({
        onError(error) {
          if (failureOfOperation(error).kind === "UNAUTHENTICATED") refused();
        },
      }),
      cacheExchange,
      fetchExchange,
    ],
  });
  return { client, socket: createSocketTo(refused), isCurrent, refused };
}

function createSocketTo(refused: () => void): Socket {
  const url = new URL(ENDPOINT, window.location.href);
  url.protocol = url.protocol.replace("http", "ws");
  let pong: ReturnType<typeof setTimeout> | undefined;
  const socket: Socket = createSocket({
    url: url.href,
    // `follow` tries again itself, from the cursor that it has come to.
    retryAttempts: 0,
    keepAlive: PING_MS,
    on: {
      connected: () => connection.found(),
      closed: (event) => {
        clearTimeout(pong);
        if ((event as CloseEvent).code === SOCKET_FORBIDDEN) refused();
      },
      ping: (received) => {
        // A connection that has died without a word is found out by its silence.
        if (!received) pong = setTimeout(() => socket.terminate(), PONG_MS);
      },
      pong: () => clearTimeout(pong),
    },
  });
  return socket;
}

const LAST_CURSOR = graphql(`query LastCursor { lastCursor }`);

/** The cursor of an event; every subscription has one field, and each of its events a cursor. */
function cursorOf(data: object): string {
  return (Object.values(data)[0] as { cursor: string }).cursor;
}

function failureAtEnd(reason: unknown): Failure {
  if (Array.isArray(reason)) return failureOf(reason as { message: string }[]);
  return { kind: "UNREACHABLE", message: "" };
}

/** The events of a subscription as a source to follow. */
export function sourceOf<Data extends object, Variables extends { after?: string | null | undefined }>(
  { client, socket, refused }: Link,
  document: TadaDocumentNode<Data, Variables>,
): Source<Data> {
  return {
    async here() {
      const { data, error } = await client.query(LAST_CURSOR, {}, { requestPolicy: "network-only" });
      if (!data) throw error ?? new Error("no answer");
      return data.lastCursor;
    },
    open: (after, sink) => subscribe(socket, stringifyDocument(document), after, sink),
    cursorOf,
    verdict(reason) {
      const { kind } = failureAtEnd(reason);
      if (kind === "UNAUTHENTICATED") refused();
      if (FINAL.includes(kind)) return "final";
      if (kind === "UNREACHABLE") connection.lost();
      return kind === "BAD_USER_INPUT" ? "lost" : "again";
    },
  };
}

function subscribe<Data>(socket: Socket, query: string, after: string, sink: Sink<Data>): () => void {
  return socket.subscribe<Data>(
    { query, variables: { after } },
    {
      next: ({ data, errors }) => (data ? sink.next(data) : sink.over(errors)),
      error: (reason) => sink.over(reason),
      complete: () => sink.over(null),
    },
  );
}
