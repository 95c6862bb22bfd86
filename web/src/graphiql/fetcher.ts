/** How GraphiQL reaches the server: queries and mutations over HTTP, subscriptions over a WebSocket. */

import type { Fetcher, FetcherOpts, FetcherParams } from "@graphiql/toolkit";
import { type ExecutionResult, Kind } from "graphql";
import { post } from "../graphql/request";
import { session } from "../session/useSession";
import { authorised, remember } from "./session";
import { inWords, subscribe } from "./subscribe";

function isSubscription(params: FetcherParams, options?: FetcherOpts): boolean {
  const operations = options?.documentAST?.definitions.filter(
    (node) => node.kind === Kind.OPERATION_DEFINITION,
  );
  const named = params.operationName
    ? operations?.find((node) => node.name?.value === params.operationName)
    : operations?.[0];
  return named?.operation === "subscription";
}

export const fetcher: Fetcher = async (params, options) => {
  const headers = authorised(options?.headers ?? {}, session.get().token);
  if (isSubscription(params, options)) return subscribe(params, headers);
  const answer = await post(params, headers).catch((reason: unknown) => {
    throw inWords(reason);
  });
  remember(answer, session);
  return answer as ExecutionResult;
};
