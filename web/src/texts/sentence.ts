/** A server's message, which begins in lower case, as a sentence of its own. */
export function sentence(message: string): string {
  const begun = message.charAt(0).toUpperCase() + message.slice(1);
  return /^$|[.!?]$/.test(begun) ? begun : `${begun}.`;
}
