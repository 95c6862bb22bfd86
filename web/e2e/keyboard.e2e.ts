/** The main flows by keyboard alone: what is used is reached by Tab, is seen to have the focus, and acts on keys. */

import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMIN, enrol, faultsOf, launch, open, pressOn, RADIOGRAPHS, SLOWLY } from "./browser";

const LEO = { name: "Leo Paz", email: "leo@hospital.example", password: "quinta batería correcta" };
/** More stops than any page has before what is looked for. */
const STOPS = 120;

let browser: Browser;
let page: Page;
let faults: string[];

beforeAll(async () => {
  browser = await launch();
  await enrol(LEO);
  page = await (await open(browser, { locale: "en" })).newPage();
  faults = faultsOf(page);
});

afterAll(async () => {
  await browser?.close();
});

const button = (name: string) => page.getByRole("button", { name, exact: true });
const link = (name: string) => page.getByRole("link", { name, exact: true });

const press = (...keys: string[]) => pressOn(page, ...keys);
const type = (text: string) => page.keyboard.type(text);

/** Walks to what is looked for, as people do, and sees that the focus shows there. */
async function to(wanted: Locator): Promise<void> {
  await wanted.waitFor();
  for (let stop = 0; stop < STOPS; stop += 1) {
    await press("Tab");
    if (await wanted.evaluate((element) => element === document.activeElement)) {
      // What is hidden shows its focus on what stands for it, a slider on its thumb.
      const isSeen = await wanted.evaluate((element) => {
        const { outlineStyle, boxShadow } = getComputedStyle(element);
        return (
          outlineStyle !== "none" || boxShadow !== "none" || element.matches(".visually-hidden, [type=range]")
        );
      });
      expect(isSeen).toBe(true);
      return;
    }
  }
  throw new Error(`Tab does not lead to ${wanted}`);
}

async function follow(wanted: Locator): Promise<void> {
  await to(wanted);
  await press("Enter");
}

describe("by keyboard alone", () => {
  it("the content is one key away, and the menu leads on", async () => {
    await page.goto("/");
    await page.locator("main").getByRole("link").first().waitFor();
    await follow(link("Skip to the content"));
    await press("Tab");
    expect(await page.evaluate(() => document.activeElement?.closest("main") !== null)).toBe(true);
    await follow(page.getByRole("navigation").getByRole("link", { name: "Examine" }));
    await page.getByRole("heading", { name: "Sign in to go on" }).waitFor();
  });

  it("one signs in, after a mistake too", async () => {
    await follow(page.locator("main").getByRole("link", { name: "Sign in" }));
    await to(page.getByLabel("E-mail address"));
    await type(LEO.email);
    await to(page.getByLabel("Password", { exact: true }));
    await type("mistaken");
    await press("Enter");
    await page.getByText("The address or the password is wrong.").waitFor();
    await to(page.getByLabel("Password", { exact: true }));
    await press("Control+a");
    await type(LEO.password);
    await press("Enter");
    await page.getByText("No images yet.").waitFor();
  });

  it("files are chosen, described and uploaded", async () => {
    await to(page.locator("input[type=file]"));
    const choosing = page.waitForEvent("filechooser");
    await press("Space");
    await (await choosing).setFiles(RADIOGRAPHS);
    await to(page.getByLabel("Ground truth of covid-0002.jpg", { exact: true }));
    await press("ArrowDown");
    await to(page.getByLabel("What the ground truth of covid-0002.jpg rests on"));
    await press("ArrowUp");
    await follow(button(`Upload ${RADIOGRAPHS.length} files`));
    const row = page.locator(".image-table tr", { hasText: "covid-0002.jpg" });
    await row.locator(".wide-only .finding").first().waitFor();
    expect(await row.innerText()).toContain("COVID");
  });

  it("the table is sorted and searched", async () => {
    await to(page.getByLabel("Name or patient"));
    await type("pneu");
    await page.getByText("1 of 1 images").waitFor();
    await press("Control+a", "Backspace");
    await page.getByText("3 of 3 images").waitFor();
    await to(page.getByLabel("Order"));
    await press("End");
    await expect
      .poll(() => page.locator(".image-about a").first().innerText(), SLOWLY)
      .toBe("pneumonia-0001.jpg");
  });

  it("an image is renamed, deleted and brought back", async () => {
    await follow(button("Edit pneumonia-0001.jpg"));
    await to(page.getByLabel("Name", { exact: true }));
    await press("Control+a");
    await type("ward 3.jpg");
    await press("Enter");
    await page.getByText("Saved.").waitFor();
    await follow(button("Delete ward 3.jpg"));
    await page.getByText("ward 3.jpg is deleted.").waitFor();
    await follow(button("Undo"));
    await link("ward 3.jpg").waitFor();
  });

  it("one image is looked at closely", async () => {
    await follow(page.getByRole("table").getByRole("link", { name: "covid-0002.jpg" }));
    await to(page.getByLabel("Zoom"));
    await press("End");
    await to(page.getByLabel("Heatmap"));
    await press("End");
    await page.locator(".viewer-heat").waitFor();
    await to(button("Invert"));
    await press("Space");
    expect(await button("Invert").getAttribute("aria-pressed")).toBe("true");
    await to(page.getByRole("region", { name: /scroll it with the arrow keys/ }));
    await press("ArrowDown", "ArrowDown");
    await expect
      .poll(() => page.locator(".viewer-picture").evaluate((picture) => picture.scrollTop), SLOWLY)
      .toBeGreaterThan(0);
  });

  it("the queue is worked off", async () => {
    await follow(page.getByRole("navigation").getByRole("link", { name: "Label queue" }));
    const heading = page.locator(".image-page h2");
    await heading.waitFor();
    const first = await heading.innerText();
    await press("s");
    await expect.poll(() => heading.innerText(), SLOWLY).not.toBe(first);
    await to(page.getByRole("combobox"));
    await press("Home");
    await follow(button("No COVID"));
    await page.getByText(/: No COVID/).waitFor();
  });

  it("a message is written, and the language changed", async () => {
    await follow(page.getByRole("navigation").getByRole("link", { name: "Contact" }));
    await to(page.getByLabel("Subject"));
    await type("A question");
    await to(page.getByRole("textbox", { name: "Message" }));
    await type("Where are the figures?");
    await follow(button("Send"));
    await page.getByRole("heading", { name: "Thank you" }).waitFor();
    await follow(button("Español"));
    await page.getByRole("link", { name: "Noticias" }).waitFor();
    await follow(button("English"));
  });

  it("one signs out, and an administrator in, who finds every page", async () => {
    await follow(button("Sign out"));
    await follow(page.getByRole("navigation").getByRole("link", { name: "Examine" }));
    await follow(page.locator("main").getByRole("link", { name: "Sign in" }));
    await to(page.getByLabel("E-mail address"));
    await type(ADMIN.email);
    await press("Tab");
    await type(ADMIN.password);
    await press("Enter");
    await follow(link("Administration"));
    await follow(page.locator("main").getByRole("link", { name: "Models", exact: true }).first());
    await follow(page.getByRole("row", { name: /^Model 1/ }).getByRole("link"));
    await to(page.getByText("In a table").first());
    await press("Enter");
    await page.getByRole("columnheader", { name: "Specificity, at least" }).waitFor();
  });

  it("and nothing went wrong in the browser all along", () => {
    expect(faults).toEqual([]);
  });
});
