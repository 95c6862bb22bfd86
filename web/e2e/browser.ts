/** The browser, and what people do in it. */

import { createHmac } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run these tests by \`make browser\``);
  return value;
}

export const SERVER = setting("COVIDXR_BROWSER_SERVER");
export const MAILS = setting("COVIDXR_BROWSER_MAILS");
/** Real radiographs, and a folder of drawn ones. */
export const RADIOGRAPHS = setting("COVIDXR_BROWSER_RADIOGRAPHS").split(":");
export const DICOM = setting("COVIDXR_BROWSER_DICOM");
export const DRAWN = setting("COVIDXR_BROWSER_DRAWN");
/** Where pictures go; none are taken where it is not set. */
export const SHOTS = process.env.COVIDXR_BROWSER_SHOTS;
/** The hash of the key by which the server is known over TLS; where it is not set, it is reached in the clear. */
export const TRUSTED = process.env.COVIDXR_BROWSER_TRUSTED;
export const ADMIN = { email: "chief@hospital.example", password: "correct horse battery" };
/** What the server, or a slow machine, takes its time for. */
export const SLOWLY = { timeout: 20_000 };
export const ANA = { name: "Ana Pérez", email: "ana@hospital.example", password: "otra batería correcta" };

export function launch(): Promise<Browser> {
  // Containers have no sandbox of their own to give; what is opened here is our own.
  return chromium.launch({
    executablePath: process.env.COVIDXR_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", ...(TRUSTED ? [`--ignore-certificate-errors-spki-list=${TRUSTED}`] : [])],
  });
}

export interface Looks {
  locale: string;
  /** Where the server is found; straight away where left out. */
  address?: string;
  width?: number;
  isDark?: boolean;
}

/** A window of its own, with nothing kept. What goes wrong in its scripts fails the test that asks `faultsOf`. */
export function open(
  browser: Browser,
  { locale, address = SERVER, width = 1280, isDark = false }: Looks,
): Promise<BrowserContext> {
  return browser.newContext({
    baseURL: address,
    locale,
    viewport: { width, height: width < 600 ? 740 : 900 },
    colorScheme: isDark ? "dark" : "light",
    reducedMotion: "reduce",
  });
}

/** Collects what the browser complains of, the policy's refusals among it. */
export function faultsOf(page: Page): string[] {
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !/Failed to load resource|WebSocket|ERR_/.test(message.text()))
      faults.push(message.text());
  });
  return faults;
}

/** Keys one after the other, each once the page has drawn what the one before did: nobody types faster. */
export async function pressOn(page: Page, ...keys: string[]): Promise<void> {
  for (const key of keys) {
    await page.evaluate(
      () => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))),
    );
    await page.keyboard.press(key);
  }
}

/** A picture of a state that no page opens with. */
export async function picture(of: Page, name: string): Promise<void> {
  if (!SHOTS) return;
  mkdirSync(SHOTS, { recursive: true });
  await of.screenshot({ path: join(SHOTS, `state-${name}.png`) });
}

/** The newest mail to an address, once it has come. */
export async function mailTo(email: string): Promise<string> {
  for (let tries = 0; tries < 200; tries += 1) {
    // The folder comes with the first mail.
    const mails = (existsSync(MAILS) ? readdirSync(MAILS) : [])
      .filter((file) => file.endsWith(".eml"))
      .sort()
      .map((file) => readFileSync(join(MAILS, file), "utf8"));
    const found = mails.findLast((mail) => mail.includes(`To: ${email}`));
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no mail came to ${email}`);
}

/** The address in a mail whose lines may be folded as quoted-printable does. */
export function linkIn(mail: string): string {
  const unfolded = mail.replace(/=\r?\n/g, "").replace(/=3D/g, "=");
  const link = /https?:\/\/\S+token=\S+/.exec(unfolded)?.[0];
  if (!link) throw new Error(`there is no link in the mail:\n${mail}`);
  return link;
}

export async function signIn(
  page: Page,
  { email, password }: { email: string; password: string },
): Promise<void> {
  await page.goto("/sign-in");
  await fillIn(page, { email, password });
}

/** The same on the page that is there. */
export async function fillIn(
  page: Page,
  { email, password }: { email: string; password: string },
): Promise<void> {
  await page.locator("input[name=email]").fill(email);
  await page.locator("input[name=password]").fill(password);
  await page.locator("form button[type=submit]").click();
  await page.waitForURL("**/examine");
}

/** The session's token, which lies in the only cookie of a window, where no script can read it. */
export async function cookieOf(context: BrowserContext): Promise<string> {
  const [cookie, ...others] = await context.cookies();
  if (!cookie || others.length > 0)
    throw new Error(`there are ${others.length} cookies besides the session's`);
  return cookie.value;
}

/** Asks the API as a program does. */
export async function ask(
  query: string,
  variables: object,
  token?: string,
): Promise<Record<string, unknown>> {
  const response = await fetch(`${SERVER}/graphql`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data: Record<string, unknown>; errors?: unknown };
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

/** Signs a person up and confirms the address, as a program does. */
export async function enrol(person: { name: string; email: string; password: string }): Promise<void> {
  const signUp = "mutation($input: SignUpInput!) { signUp(input: $input) { errors { code } } }";
  const verify = "mutation($input: VerifyEmailInput!) { verifyEmail(input: $input) { errors { code } } }";
  await ask(signUp, { input: person });
  const token = new URL(linkIn(await mailTo(person.email))).searchParams.get("token");
  await ask(verify, { input: { token } });
}

export async function tokenOf({ email, password }: { email: string; password: string }): Promise<string> {
  const query = "mutation($input: SignInInput!) { signIn(input: $input) { token } }";
  const { signIn: signedIn } = (await ask(query, { input: { email, password } })) as {
    signIn: { token: string };
  };
  return signedIn.token;
}

/** The code that an authenticator app shows so many steps of 30 seconds from now: TOTP of RFC 6238. */
export function codeOf(secret: string, step = 0): string {
  const bits = [...secret].map((letter) => BASE32.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + step));
  const hash = createHmac("sha1", key).update(counter).digest();
  const place = (hash.at(-1) ?? 0) & 15;
  return String((hash.readUInt32BE(place) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
