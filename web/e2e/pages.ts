/** Every page, for whatever has to look at all of them. */

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { SECTIONS } from "../src/admin/sections";
import { ask, type Looks, open, SHOTS, signIn } from "./browser";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Each language, each width, light and dark; all of them where pictures are wanted. */
export const LOOKS = [
  { locale: "es", width: 360, isDark: true },
  { locale: "en", width: 1280, isDark: false },
  ...(SHOTS
    ? [
        { locale: "es", width: 1280, isDark: false },
        { locale: "en", width: 360, isDark: false },
        { locale: "es", width: 1280, isDark: true },
        { locale: "en", width: 1920, isDark: true },
      ]
    : []),
];

interface Place {
  name: string;
  path: string;
  /** Who sees it: the person whose look it is, or somebody who has not signed in where left out. */
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
    { name: "confirm-email", path: "/confirm-email?token=x" },
    { name: "missing", path: "/no/such/page" },
    { name: "sign-in-needed", path: "/examine" },
    { name: "examine", path: "/examine", as: "member" },
    { name: "image", path: `/examine/${first("images")}`, as: "member" },
    { name: "label-queue", path: "/label-queue", as: "member" },
    { name: "account", path: "/account", as: "member" },
  ];
}

/** The pages of administrators. */
export async function adminPlaces(token: string): Promise<Place[]> {
  const { models } = (await ask("{ models(first: 1) { nodes { id } } }", {}, token)) as {
    models: { nodes: [{ id: string }] };
  };
  const model = `/admin/models/${encodeURIComponent(models.nodes[0].id)}`;
  return [
    { name: "admin", path: "/admin", as: "member" },
    ...SECTIONS.map(({ name, path }) => ({ name: `admin-${name}`, path, as: "member" as const })),
    { name: "admin-model", path: model, as: "member" },
  ];
}

/** What is wrong with pages: what axe finds, and what is too wide. Takes their pictures where they are wanted. */
export async function lookOver(
  browser: Browser,
  looks: Looks,
  places: Place[],
  person: { email: string; password: string },
): Promise<string[]> {
  const visitor = await (await open(browser, looks)).newPage();
  const member = await (await open(browser, looks)).newPage();
  await signIn(member, person);
  const found: string[] = [];
  for (const place of places) {
    const shown = place.as ? member : visitor;
    await visit(shown, place);
    found.push(...(await violations(shown)).map((one) => `${place.name}: ${one}`));
    const beyond = await shown.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (beyond > 0) found.push(`${place.name} is ${beyond} pixels too wide`);
    await picture(shown, place, looks);
  }
  await visitor.context().close();
  await member.context().close();
  return found;
}

async function picture(shown: Page, { name }: Place, { locale, width, isDark }: Looks): Promise<void> {
  if (!SHOTS) return;
  mkdirSync(SHOTS, { recursive: true });
  // What is fetched when it comes into sight is to be in the picture.
  await shown.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
  await shown.waitForLoadState("networkidle");
  await shown.evaluate(() => window.scrollTo(0, 0));
  const look = `${locale}-${width}${isDark ? "-dark" : ""}`;
  await shown.screenshot({ path: join(SHOTS, `${name}-${look}.png`), fullPage: true });
}

/** Goes to a page and waits until it has what it shows. */
async function visit(page: Page, { path }: Place): Promise<void> {
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
