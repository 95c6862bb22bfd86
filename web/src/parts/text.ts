/** Dates and texts as readers see them. */

/** "23 November 2026", in the reader's language and time zone. */
export function longDate(timestamp: string): string {
  return new Date(timestamp).toLocaleDateString(undefined, { dateStyle: "long" });
}

/** "A, B and C". */
export function listed(names: string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}`;
}

const LINK_OR_IMAGE = /!?\[([^\]]*)\]\([^)]*\)/g;
const IMAGE = /!\[([^\]]*)\]\([^)]*\)/g;
const LINK = /\[([^\]]*)\]\(([^)\s]*)[^)]*\)/g;
const LINE_MARKER = /^\s*(?:#{1,6}|>|[-*+]|\d+\.)\s+/gm;
const HEADING_OR_QUOTE = /^[^\S\n]*(?:#{1,6}|>)[^\S\n]+/gm;
const BULLET = /^([^\S\n]*)[-*+][^\S\n]+/gm;
const EMPHASIS = /(\*\*|__|\*|`)(.+?)\1/g;

/** A server's message, which begins in lower case, as a sentence of its own. */
export function sentence(message: string): string {
  const begun = message.charAt(0).toUpperCase() + message.slice(1);
  return /^$|[.!?]$/.test(begun) ? begun : `${begun}.`;
}

/** The beginning of a Markdown text without its markup, cut between words at `length` characters. */
export function excerpt(markdown: string, length = 240): string {
  const plain = markdown
    .replace(LINK_OR_IMAGE, "$1")
    .replace(LINE_MARKER, "")
    .replace(EMPHASIS, "$2")
    .replace(/\s+/g, " ")
    .trim();
  if (plain.length <= length) return plain;
  const cut = plain.slice(0, length + 1);
  const end = cut.lastIndexOf(" ");
  return `${cut.slice(0, end > 0 ? end : length)} …`;
}

/** A whole Markdown text without its markup: lines as they were, bullets as bullets, links with their addresses. */
export function readable(markdown: string): string {
  return markdown
    .replace(/\r\n?/g, "\n")
    .replace(IMAGE, "$1")
    .replace(LINK, (_, text: string, address: string) => (text === address ? text : `${text} (${address})`))
    .replace(HEADING_OR_QUOTE, "")
    .replace(BULLET, "$1• ")
    .replace(EMPHASIS, "$2")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}
