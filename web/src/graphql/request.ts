/** Sends operations to the GraphQL endpoint over HTTP. */

export const ENDPOINT = "/graphql";

export interface Operation {
  query: string;
  variables?: Record<string, unknown> | undefined;
  operationName?: string | null | undefined;
}

interface Answer<Data> {
  data?: Data | null;
  errors?: { message: string }[];
}

function unreachable(): never {
  throw new Error("The server cannot be reached");
}

/** The server's answer as it came. Rejects when there is none, or when it is not JSON. */
export async function post(operation: Operation, headers: Record<string, string> = {}): Promise<unknown> {
  const response = await fetch(ENDPOINT, {
    method: "POST",
    headers: {
      accept: "application/graphql-response+json, application/json;q=0.9",
      "content-type": "application/json",
      ...headers,
    },
    body: JSON.stringify(operation),
  }).catch(unreachable);
  if (!response.headers.get("content-type")?.includes("json")) {
    throw new Error(`The server answered ${response.status} ${response.statusText}`.trim());
  }
  return response.json();
}

/** The data of an operation. Rejects with the first error's message when the server reports any. */
export async function request<Data>(query: string, variables?: Record<string, unknown>): Promise<Data> {
  const answer = (await post({ query, variables })) as Answer<Data>;
  const [error] = answer.errors ?? [];
  if (error) throw new Error(error.message);
  if (!answer.data) throw new Error("The server's answer is empty");
  return answer.data;
}
