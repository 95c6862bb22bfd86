/** The address of a link in a text that somebody wrote, where it is one of the web, of mail or of these pages. */

export function safeAddress(address: string): string | null {
  if (/^\/(?![/\\])/.test(address) || /^#/.test(address)) return address;
  try {
    return ["http:", "https:", "mailto:"].includes(new URL(address).protocol) ? address : null;
  } catch {
    return null;
  }
}
