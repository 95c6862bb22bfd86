/** Sends operations to the GraphQL endpoint over HTTP. */

export const ENDPOINT = "/graphql";
/** What goes with each operation. The browser adds the session's cookie by itself. */
export const HEADERS = { accept: "application/graphql-response+json, application/json;q=0.9" };

interface Operation {
  query: string;
  variables?: Record<string, unknown> | undefined;
  operationName?: string | null | undefined;
}

function unreachable(): never {
  throw new Error("The server cannot be reached");
}

/** The server's answer as it came. Rejects when there is none, or when it is not JSON. */
export async function post(operation: Operation, headers: Record<string, string> = {}): Promise<unknown> {
  const response = await fetch(ENDPOINT, {
    method: "POST",
    headers: { ...HEADERS, "content-type": "application/json", ...headers },
    body: JSON.stringify(operation),
  }).catch(unreachable);
  if (!response.headers.get("content-type")?.includes("json")) {
    throw new Error(`The server answered ${response.status} ${response.statusText}`.trim());
  }
  return response.json();
}
