/** A signed address on the server that serves these pages, by whatever name the reader knows it, and the cookie is kept. */
export function here(url: string): string {
  const { pathname, search } = new URL(url);
  return pathname + search;
}
