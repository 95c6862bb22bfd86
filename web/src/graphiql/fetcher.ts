/** How GraphiQL reaches the server: queries and mutations over HTTP, subscriptions over a WebSocket. */

import type { Fetcher, FetcherOpts, FetcherParams } from "@graphiql/toolkit";
import { type ExecutionResult, Kind, type OperationTypeNode } from "graphql";
import { post } from "../graphql/request";
import { inWords, subscribe } from "./subscribe";
import { who } from "./viewer";

function kindOf(params: FetcherParams, options?: FetcherOpts): `${OperationTypeNode}` | undefined {
  const operations = options?.documentAST?.definitions.filter(
    (node) => node.kind === Kind.OPERATION_DEFINITION,
  );
  const named = params.operationName
    ? operations?.find((node) => node.name?.value === params.operationName)
    : operations?.[0];
  return named?.operation;
}

/** The browser adds the session's cookie by itself; an Authorization among the headers goes first. */
export const fetcher: Fetcher = async (params, options) => {
  const kind = kindOf(params, options);
  const headers = options?.headers ?? {};
  if (kind === "subscription") return subscribe(params, headers);
  const answer = await post(params, headers).catch((reason: unknown) => {
    throw inWords(reason);
  });
  // It may have signed in or out, by whatever field and under whatever name.
  if (kind === "mutation") void who.look();
  return answer as ExecutionResult;
};
