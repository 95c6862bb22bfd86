/** The beginnings of texts, for lists. */

const LINK_OR_IMAGE = /!?\[([^\]]*)\]\([^)]*\)/g;
const LINE_MARKER = /^\s*(?:#{1,6}|>|[-*+]|\d+\.)\s+/gm;
const EMPHASIS = /(\*\*|__|\*|`)(.+?)\1/g;

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
