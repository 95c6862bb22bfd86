/** Where to go after signing in: a page of ours, whatever the address says. */

const START = "/examine";

export function safeNext(next: string | null): string {
  // "//host" and "/\host" lead elsewhere.
  return next && /^\/(?![/\\])/.test(next) ? next : START;
}
