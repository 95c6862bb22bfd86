/** Every page, for whatever has to look at all of them. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { ask } from "./browser";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export interface Place {
  name: string;
  path: string;
  /** Who sees it; somebody who has not signed in where left out. */
  as?: "member";
}

export async function places(token: string): Promise<Place[]> {
  const query =
    '{ images(first: 1, filter: {search: "covid-0002"}) { nodes { id } } news(first: 1) { nodes { id } } }';
  const data = (await ask(query, {}, token)) as Record<"images" | "news", { nodes: { id: string }[] }>;
  const first = (list: "images" | "news") => encodeURIComponent(data[list].nodes[0]?.id ?? "");
  return [
    { name: "home", path: "/" },
    { name: "news", path: "/news" },
    { name: "post", path: `/news/${first("news")}` },
    { name: "contact", path: "/contact" },
    { name: "sign-up", path: "/sign-up" },
    { name: "sign-in", path: "/sign-in" },
    { name: "forgotten-password", path: "/forgotten-password" },
    { name: "verify-email", path: "/verify-email?token=x" },
    { name: "reset-password", path: "/reset-password?token=x" },
    { name: "missing", path: "/no/such/page" },
    { name: "sign-in-needed", path: "/examine" },
    { name: "examine", path: "/examine", as: "member" },
    { name: "image", path: `/examine/${first("images")}`, as: "member" },
    { name: "label-queue", path: "/label-queue", as: "member" },
  ];
}

/** Goes to a page and waits until it has what it shows. */
export async function visit(page: Page, { path }: Place): Promise<void> {
  await page.goto(path);
  await page.locator("h1").waitFor();
  await page.waitForFunction(() => !document.querySelector(".placeholder-glow"));
}

interface Violation {
  id: string;
  nodes: { target: string[]; failureSummary: string }[];
}

/** What axe finds against WCAG 2.2 AA, a line each. */
export async function violations(page: Page): Promise<string[]> {
  // By the debugger, which the page's policy does not reach.
  await page.evaluate(axeSource);
  const found = await page.evaluate(async () => {
    const axe = (
      window as unknown as { axe: { run: (options: object) => Promise<{ violations: Violation[] }> } }
    ).axe;
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    return (await axe.run({ runOnly: { type: "tag", values: tags } })).violations;
  });
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary}`),
  );
}
