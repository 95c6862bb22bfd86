/** As others reach a server: by TLS, through a proxy, where nobody hears by signing up who has an account. */

import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  ANA,
  cookieOf,
  faultsOf,
  launch,
  linkIn,
  mailTo,
  open,
  picture,
  RADIOGRAPHS,
  SERVER,
  SLOWLY,
  signIn,
  TRUSTED,
} from "./browser";
import { violations } from "./pages";

describe.skipIf(!TRUSTED)("over TLS", () => {
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let faults: string[];
  const sockets: string[] = [];
  const heard: string[] = [];

  beforeAll(async () => {
    browser = await launch();
    context = await open(browser, { locale: "en" });
    page = await context.newPage();
    faults = faultsOf(page);
    page.on("websocket", (socket) => {
      sockets.push(socket.url());
      socket.on("framereceived", ({ payload }) => heard.push(String(payload)));
    });
  });

  afterAll(async () => {
    await browser?.close();
  });

  it("tells whoever signs up, with a new address or not, the same", async () => {
    const told = new Map<string, string>();
    for (const [name, password] of [
      ["new", ANA.password],
      ["known", "a password of somebody else"],
    ] as const) {
      await page.goto("/sign-up");
      await page.getByLabel("Your name").fill(ANA.name);
      await page.getByLabel("E-mail address").fill(ANA.email);
      await page.getByLabel("Password", { exact: true }).fill(password);
      await page.getByRole("button", { name: "Make the account" }).click();
      await page.getByRole("heading", { name: "A mail is on its way" }).waitFor();
      told.set(name, await page.locator("main").innerText());
      await picture(page, `signed-up-${name}`);
      expect(await violations(page)).toEqual([]);
      if (name === "new") await confirm();
    }
    expect(told.get("new")).toContain("If there is an account with this address already");
    expect(told.get("known")).toBe(told.get("new"));
    await page.getByRole("button", { name: "Español" }).click();
    await page.goto("/sign-up");
    await page.getByLabel("Su nombre").fill("Eva");
    await page.getByLabel("Dirección de correo").fill("eva@hospital.example");
    await page.getByLabel("Contraseña", { exact: true }).fill(ANA.password);
    await page.getByRole("button", { name: "Crear la cuenta" }).click();
    await page.getByText("Si ya hay una cuenta con esa dirección").waitFor();
    await picture(page, "signed-up-es");
  });

  async function confirm(): Promise<void> {
    const link = linkIn(await mailTo(ANA.email));
    expect(link).toMatch(`${SERVER}/verify-email?token=`);
    await page.goto(link);
    await page.getByRole("button", { name: "Confirm" }).waitFor();
    await picture(page, "confirming");
    await page.getByRole("button", { name: "Confirm" }).click();
    await page.getByText(`${ANA.email} is confirmed.`).waitFor();
  }

  it("nor does signing in tell of an address that is not confirmed", async () => {
    for (const email of ["eva@hospital.example", "nobody@hospital.example"]) {
      await page.goto("/sign-in");
      await page.locator("input[name=email]").fill(email);
      await page.locator("input[name=password]").fill(ANA.password);
      await page.locator("form button[type=submit]").click();
      await page.getByText("o la dirección todavía no está confirmada").waitFor();
    }
    await picture(page, "not-confirmed");
    await page.getByRole("button", { name: "English" }).click();
    await page.getByText("or the address is not confirmed yet").waitFor();
  });

  it("keeps the session in a cookie of this host and TLS alone, out of reach of scripts", async () => {
    await signIn(page, ANA);
    const token = await cookieOf(context);
    const [cookie] = await context.cookies();
    expect(cookie).toMatchObject({
      name: "__Host-covidxr",
      domain: "localhost",
      path: "/",
      httpOnly: true,
      secure: true,
      sameSite: "Strict",
      expires: -1,
    });
    const kept = await page.evaluate(() => [
      document.cookie,
      JSON.stringify({ ...localStorage, ...sessionStorage }),
    ]);
    expect(kept[0]).toBe("");
    expect(kept[1]).not.toContain(token);
  });

  it("shows by it what is one's own: what is heard of over the socket, and its picture", async () => {
    const other = await context.newPage();
    await other.goto("/examine");
    await other.locator("input[type=file]").setInputFiles(RADIOGRAPHS.slice(0, 1));
    await other.getByRole("button", { name: "Upload 1 file" }).click();
    const shown = page.locator(".image-table tr", { hasText: "covid-0002.jpg" });
    await shown.locator(".wide-only .finding").first().waitFor();
    expect(new Set(sockets)).toEqual(new Set([`${SERVER.replace("https:", "wss:")}/graphql`]));
    expect(heard.some((message) => message.includes('"type":"next"'))).toBe(true);

    const film = shown.locator("img").first();
    await expect
      .poll(() => film.evaluate((img: HTMLImageElement) => img.naturalWidth), SLOWLY)
      .toBeGreaterThan(0);
    const address = await film.evaluate((img: HTMLImageElement) => img.src);
    expect(address).toContain(SERVER);
    const strangers = await open(browser, { locale: "en" });
    const stranger = await strangers.newPage();
    expect((await stranger.goto(address))?.status()).toBe(404);
    await strangers.close();

    await shown.getByRole("link").first().click();
    await page.getByRole("img", { name: /Probability of COVID: / }).waitFor();
    await picture(page, "over-tls");
    await other.close();
  });

  it("is GraphiQL's session too", async () => {
    await page.goto("/graphql");
    await page.getByText(`Signed in as ${ANA.email} (member), in all tabs of this browser.`).waitFor();
  });

  it("ends by signing out, and so does the cookie", async () => {
    await page.goto("/examine");
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("link", { name: "Sign up" }).first().waitFor();
    expect(await context.cookies()).toEqual([]);
    await page.goto("/examine");
    await page.getByRole("heading", { name: "Sign in to go on" }).waitFor();
  });

  it("and nothing went wrong in the browser all along", () => {
    expect(faults).toEqual([]);
  });
});
