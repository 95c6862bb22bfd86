/** Keeps the token of the last sign-in for as long as the browser's tab lives, for all of GraphiQL's tabs. */

const KEY = "covidxr-token";

/** Where the token is kept: sessionStorage, or a stand-in with these three. */
export type Store = Pick<Storage, "getItem" | "setItem" | "removeItem">;

interface SessionAnswer {
  data?: {
    signIn?: { token?: string | null } | null;
    signOut?: { signedOut?: boolean } | null;
  } | null;
}

/** Notes the token that an answer to signIn brings; forgets it after signOut. Aliased fields are not seen. */
export function remember(answer: unknown, store: Store): void {
  const data = (answer as SessionAnswer).data;
  if (data?.signIn?.token) store.setItem(KEY, data.signIn.token);
  if (data?.signOut?.signedOut) store.removeItem(KEY);
}

/** The headers of the headers tab, with the token where they name none. */
export function authorised(headers: Record<string, string>, store: Store): Record<string, string> {
  const token = store.getItem(KEY);
  const named = Object.keys(headers).some((name) => name.toLowerCase() === "authorization");
  return token && !named ? { ...headers, Authorization: `Bearer ${token}` } : headers;
}
