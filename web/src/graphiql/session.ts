/** Keeps the token of the last sign-in for as long as the browser's tab lives, for all of GraphiQL's tabs and for the pages. */

import { type Store, TOKEN_KEY } from "../session/session";

interface SessionAnswer {
  data?: {
    signIn?: { token?: string | null } | null;
    signOut?: { signedOut?: boolean } | null;
  } | null;
}

/** Notes the token that an answer to signIn brings; forgets it after signOut. Aliased fields are not seen. */
export function remember(answer: unknown, store: Store): void {
  const data = (answer as SessionAnswer).data;
  if (data?.signIn?.token) store.setItem(TOKEN_KEY, data.signIn.token);
  if (data?.signOut?.signedOut) store.removeItem(TOKEN_KEY);
}

/** The headers of the headers tab, with the token where they name none. */
export function authorised(headers: Record<string, string>, store: Store): Record<string, string> {
  const token = store.getItem(TOKEN_KEY);
  const named = Object.keys(headers).some((name) => name.toLowerCase() === "authorization");
  return token && !named ? { ...headers, Authorization: `Bearer ${token}` } : headers;
}
