/**
 * The client of the pages, against a server that admits the operations of their manifest alone.
 * tests/web/test_trusted.py starts it, and says where it is.
 */

import { parse } from "graphql";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { operations } from "../../scripts/operations";
import type { TadaDocumentNode } from "./graphql";
import { createLink, type Link, sourceOf } from "./link";

const SERVER: string | undefined = import.meta.env.VITE_TRUSTING_SERVER;
const REFUSED = "QUERY_NOT_IN_SAFELIST";

type Any = TadaDocumentNode<object, { after?: string | null }>;

function kindOf(document: object): string {
  const { definitions } = document as ReturnType<typeof parse>;
  const [first] = definitions;
  return first?.kind === "OperationDefinition" ? first.operation : "";
}

const all = operations().map((document) => ({ document: document as Any, kind: kindOf(document) }));
const asked = all.filter(({ kind }) => kind !== "subscription");
const followed = all.filter(({ kind }) => kind === "subscription");

describe.skipIf(!SERVER)("a server that trusts the pages alone", () => {
  let link: Link;

  beforeAll(() => {
    const { fetch } = globalThis;
    vi.stubGlobal("window", { location: { href: `${SERVER}/` } });
    vi.stubGlobal("fetch", (address: string, init: RequestInit) => fetch(new URL(address, SERVER), init));
    link = createLink(
      () => true,
      () => {},
    );
    return () => vi.unstubAllGlobals();
  });

  /** The codes of the errors in an answer to nobody who is known, without variables. */
  async function codes(document: Any): Promise<unknown[]> {
    const context = { requestPolicy: "network-only" } as const;
    const { error } =
      kindOf(document) === "mutation"
        ? await link.client.mutation(document, {}, context)
        : await link.client.query(document, {}, context);
    expect(error?.networkError).toBeUndefined();
    return error?.graphQLErrors.map(({ extensions }) => extensions.code) ?? [];
  }

  it.each(asked)("admits $kind $document.definitions.0.name.value", async ({ document }) => {
    expect(await codes(document)).not.toContain(REFUSED);
  });

  it.each(followed)("admits $kind $document.definitions.0.name.value", async ({ document }) => {
    const source = sourceOf(link, document);
    const after = await source.here();
    const reason = await new Promise((over) => {
      const close = source.open(after, { next: () => {}, over });
      setTimeout(() => {
        close();
        over("open");
      }, 500);
    });
    expect(JSON.stringify(reason)).toMatch(/open|UNAUTHENTICATED/);
  });

  it("admits nothing else", async () => {
    expect(await codes(parse("{ model { number head } }") as unknown as Any)).toEqual([REFUSED]);
  });
});
