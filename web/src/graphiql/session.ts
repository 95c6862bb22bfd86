/** Takes the session from what GraphiQL's tabs do, and sends its token with all of them. */

import type { Session } from "../session/session";

interface SessionAnswer {
  data?: {
    signIn?: { token?: string | null } | null;
    signOut?: { signedOut?: boolean } | null;
  } | null;
}

/** Notes the token that an answer to signIn brings; forgets it after signOut. Aliased fields are not seen. */
export function remember(answer: unknown, session: Pick<Session, "begin" | "leave">): void {
  const data = (answer as SessionAnswer).data;
  if (data?.signIn?.token) session.begin(data.signIn.token);
  if (data?.signOut?.signedOut) session.leave();
}

/** The headers of the headers tab, with the token where they name none. */
export function authorised(headers: Record<string, string>, token: string | null): Record<string, string> {
  const named = Object.keys(headers).some((name) => name.toLowerCase() === "authorization");
  return token && !named ? { ...headers, Authorization: `Bearer ${token}` } : headers;
}
