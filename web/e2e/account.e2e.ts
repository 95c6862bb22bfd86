/** One's own account: another address, sessions, a copy, and the way out. */

import { readFileSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  codeOf,
  enrol,
  faultsOf,
  launch,
  linkIn,
  mailTo,
  open,
  picture,
  pressOn,
  RADIOGRAPHS,
  SLOWLY,
  signIn,
  tokenOf,
} from "./browser";
import { violations } from "./pages";

const NORA = { name: "Nora Gómez", email: "nora@hospital.example", password: "una batería distinta" };
const MOVED = { ...NORA, email: "nora@clinic.example" };
const RENEWED = { ...MOVED, password: "otra batería distinta" };

let browser: Browser;
let page: Page;
let faults: string[];

beforeAll(async () => {
  browser = await launch();
  page = await (await open(browser, { locale: "en" })).newPage();
  faults = faultsOf(page);
  await enrol(NORA);
  await signIn(page, NORA);
});

afterAll(async () => {
  await browser?.close();
});

describe("one's own account", () => {
  it("is found from the menu, and lists where one is signed in", async () => {
    const elsewhere = await (await open(browser, { locale: "es" })).newPage();
    await signIn(elsewhere, NORA);
    await page.getByRole("link", { name: "Account" }).click();
    await page.getByRole("heading", { name: "Where you are signed in" }).waitFor();
    await page.getByText("(this one)").waitFor();
    const others = page.getByRole("button", { name: /^End the session: Chrome on Linux/ });
    expect(await others.count()).toBe(1);
    await others.click();
    await page.getByText("The session has ended.").waitFor();
    await elsewhere.getByRole("heading", { name: "Su sesión ha terminado" }).waitFor();
    await elsewhere.context().close();
  });

  it("is kept by a second factor, whose codes sign in, by keyboard alone", async () => {
    await page.goto("/account");
    const setUp = page.getByRole("region", { name: "Second factor" });
    await setUp.getByRole("button", { name: "Set it up" }).focus();
    await pressOn(page, "Enter");
    await page.getByRole("dialog").getByLabel("Password", { exact: true }).focus();
    await page.keyboard.type(NORA.password);
    await pressOn(page, "Enter");
    await page.getByRole("img", { name: "QR code for the authenticator app" }).waitFor();
    expect(await violations(page)).toEqual([]);
    await picture(page, "second-factor");
    const secret = await setUp.locator("code").innerText();
    await pressOn(page, "Tab");
    await page.keyboard.type(codeOf(secret));
    await pressOn(page, "Enter");
    await page.getByText("Keep these codes where your phone is not").waitFor();
    const codes = await setUp.locator("code").allInnerTexts();
    expect(codes.length).toBe(10);
    expect(await violations(page)).toEqual([]);
    await picture(page, "recovery-codes");
    await pressOn(page, "Tab", "Enter");
    await setUp.getByText(/^On since/).waitFor();

    const elsewhere = await (await open(browser, { locale: "es", width: 360, isDark: true })).newPage();
    await elsewhere.goto("/sign-in");
    await elsewhere.locator("input[name=email]").fill(NORA.email);
    await elsewhere.locator("input[name=password]").fill(NORA.password);
    await pressOn(elsewhere, "Enter");
    await elsewhere.getByRole("heading", { name: "Su segundo factor" }).waitFor();
    expect(await violations(elsewhere)).toEqual([]);
    await pressOn(elsewhere, "Tab");
    await elsewhere.keyboard.type("000000");
    await pressOn(elsewhere, "Enter");
    await elsewhere.getByText("El código no es correcto, o ya fue usado.").waitFor();
    await picture(elsewhere, "wrong-code");
    await elsewhere.locator("input[name=code]").fill(codeOf(secret, 1));
    await pressOn(elsewhere, "Enter");
    await elsewhere.waitForURL("**/examine");
    await elsewhere.context().close();

    await page.getByRole("button", { name: "Turn it off" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Password", { exact: true }).fill(NORA.password);
    await dialog.getByLabel("Code, or a recovery code").fill(codes[0] ?? "");
    await dialog.getByRole("button", { name: "Turn it off" }).click();
    await page.getByText("The second factor is off.").waitFor();
    await setUp.getByRole("button", { name: "Set it up" }).waitFor();
  });

  it("is downloaded whole", async () => {
    await page.goto("/examine");
    await page.locator("input[type=file]").setInputFiles(RADIOGRAPHS.slice(0, 1));
    await page.getByRole("button", { name: "Upload 1 file" }).click();
    await page.locator(".wide-only .finding").first().waitFor();
    await page.goto("/account");
    const coming = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download everything" }).click();
    const download = await coming;
    expect(download.suggestedFilename()).toMatch(/^covid-xr-\d{4}-\d{2}-\d{2}\.zip$/);
    const archive = readFileSync(await download.path());
    // Names stand in a zip file as they are.
    for (const name of ["README.txt", "images.json", "pictures/"]) expect(archive.includes(name)).toBe(true);
    await page.getByRole("heading", { name: "A copy of what is yours" }).waitFor();
  });

  it("moves to another address, which a mail confirms", async () => {
    await page.getByLabel("New e-mail address").fill(MOVED.email);
    await page.getByLabel("Password", { exact: true }).fill("not this one");
    await page.getByRole("button", { name: "Send the link" }).click();
    await page.getByText("The password is wrong.").waitFor();
    await picture(page, "wrong-password");
    await page.getByLabel("Password", { exact: true }).fill(NORA.password);
    await page.getByRole("button", { name: "Send the link" }).click();
    await page.getByText(`A link is on its way to ${MOVED.email}`).waitFor();
    await page.goto(linkIn(await mailTo(MOVED.email)));
    await page.getByRole("button", { name: "Confirm" }).click();
    await page.getByText(`${MOVED.email} is the address of your account now.`).waitFor();
    // The session has ended, and the menu has heard of it.
    await page.getByRole("link", { name: "Sign up" }).waitFor();
    await expect.poll(() => mailTo(NORA.email), SLOWLY).toContain("another e-mail address");
    await signIn(page, MOVED);
  });

  it("gets another password, for the old one", async () => {
    await page.goto("/account");
    await page.getByRole("button", { name: "Change the password" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Password so far").fill("not this one");
    await dialog.getByLabel("New password").fill("short");
    await dialog.getByRole("button", { name: "Change the password" }).click();
    await dialog.getByText("a password has at least 8 characters", { exact: false }).waitFor();
    await dialog.getByLabel("New password").fill(RENEWED.password);
    await dialog.getByRole("button", { name: "Change the password" }).click();
    await dialog.getByText("The password is wrong.").waitFor();
    expect(await violations(page)).toEqual([]);
    await picture(page, "changing-password");
    await dialog.getByLabel("Password so far").fill(MOVED.password);
    await dialog.getByRole("button", { name: "Change the password" }).click();
    await page.getByText("All other sessions have ended.").waitFor();
    await expect.poll(() => mailTo(MOVED.email), SLOWLY).toContain("chosen a new one");
    expect(await tokenOf(MOVED)).toBeNull();
  });

  it("ends everywhere at once", async () => {
    await page.goto("/account");
    await page.getByRole("button", { name: "Sign out everywhere" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Sign out everywhere" }).click();
    await page.getByText("You are signed out everywhere.").waitFor();
    await signIn(page, RENEWED);
  });

  it("is deleted, by the password, in Spanish", async () => {
    await page.getByRole("button", { name: "Español" }).click();
    await page.goto("/account");
    await page.getByRole("button", { name: "Borrar la cuenta" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Contraseña", { exact: true }).fill("no es esta");
    await dialog.getByRole("button", { name: "Borrar la cuenta" }).click();
    await dialog.getByText("La contraseña no es correcta.").waitFor();
    await picture(page, "deleting-account");
    await dialog.getByLabel("Contraseña", { exact: true }).fill(RENEWED.password);
    await dialog.getByRole("button", { name: "Borrar la cuenta" }).click();
    await page.getByText("Su cuenta está borrada.").waitFor();
    await page.getByRole("link", { name: "Registrarse" }).first().waitFor();
    await expect.poll(() => mailTo(MOVED.email), SLOWLY).toContain("deleted");
    expect(await tokenOf(RENEWED)).toBeNull();
  });

  it("and nothing went wrong in the browser all along", () => {
    expect(faults).toEqual([]);
  });
});
