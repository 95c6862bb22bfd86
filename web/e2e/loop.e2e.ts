/** The whole loop: from signing up to a model that learned from one's labels, seen live in windows that stay open. */

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMIN, faultsOf, launch, linkIn, mailTo, open, picture, RADIOGRAPHS, signIn } from "./browser";

const EVA = { name: "Eva Luna", email: "eva@hospital.example", password: "cuarta batería correcta" };
/** Feature extraction, the epochs, calibration, gate and audit, on two slow cores. */
const A_RUN = { timeout: 300_000 };

let browser: Browser;
/** Eva's window, the administrator's, and the one that the administrator has left open. */
let eva: Page;
let chief: Page;
let second: Page;
let faults: string[][];

beforeAll(async () => {
  browser = await launch();
  eva = await (await open(browser, { locale: "en" })).newPage();
  chief = await (await open(browser, { locale: "es" })).newPage();
  second = await (await open(browser, { locale: "en" })).newPage();
  faults = [eva, chief, second].map(faultsOf);
  for (const window of [chief, second]) await signIn(window, ADMIN);
});

afterAll(async () => {
  await browser?.close();
});

/** Leaves a mark that a reload would wipe out. */
const mark = (window: Page) => window.evaluate(() => Object.assign(globalThis, { isSame: true }));
const isMarked = (window: Page) => window.evaluate(() => "isSame" in globalThis);

describe("the loop", () => {
  it("begins with an account that a mail confirms", async () => {
    await eva.goto("/sign-up");
    await eva.getByLabel("Your name").fill(EVA.name);
    await eva.getByLabel("E-mail address").fill(EVA.email);
    await eva.getByLabel("Password", { exact: true }).fill(EVA.password);
    await eva.getByRole("button", { name: "Make the account" }).click();
    await eva.getByRole("heading", { name: "A mail is on its way" }).waitFor();
    const mail = await mailTo(EVA.email);
    expect(mail).toContain("Confirm your");
    await eva.goto(linkIn(mail));
    await eva.getByRole("button", { name: "Confirm" }).click();
    await eva.getByText(`${EVA.email} is confirmed.`).waitFor();
    await signIn(eva, EVA);
  });

  it("goes on with labelled images", async () => {
    await eva.locator("input[type=file]").setInputFiles(RADIOGRAPHS);
    await eva.getByLabel("Ground truth of covid-0002.jpg", { exact: true }).selectOption("COVID");
    await eva.getByLabel("Ground truth of pneumonia-0001.jpg", { exact: true }).selectOption("NO_COVID");
    await eva.getByRole("button", { name: `Upload ${RADIOGRAPHS.length} files` }).click();
    const row = eva.locator(".image-table tr", { hasText: "covid-0002.jpg" });
    await row.locator(".wide-only .finding").first().waitFor();
    await row.getByRole("link").click();
    await eva.getByText("Model 1", { exact: true }).waitFor();
    await mark(eva);
  });

  it("has a run learn from them, whose curve is there after a reload too", async () => {
    await second.goto("/admin/models");
    await second
      .getByRole("row", { name: /Model 1/ })
      .first()
      .waitFor();
    await mark(second);
    await chief.goto("/admin/retraining");
    await chief.getByRole("button", { name: "Empezar un entrenamiento" }).click();
    await chief.getByRole("dialog").getByRole("button", { name: "Empezar un entrenamiento" }).click();
    const curve = chief.getByRole("img", { name: /Pérdida de entrenamiento por época/ });
    await curve.waitFor(A_RUN);
    await chief.reload();
    await curve.waitFor();
    await picture(chief, "loss-curve");
    await chief.locator("tbody").getByRole("link", { name: "Modelo 2" }).waitFor(A_RUN);
    await chief.locator("tbody").getByText("Por qué, y la curva de pérdida").first().click();
    await curve.waitFor();
  }, 600_000);

  it("ends with a model that the gate puts in service, in every window at once", async () => {
    await second.getByText("Model 2 went into service.").waitFor();
    await second.getByRole("row", { name: /^Model 2 in service/ }).waitFor();
    await eva.getByText("Model 2", { exact: true }).waitFor();
    expect([await isMarked(second), await isMarked(eva)]).toEqual([true, true]);
    await picture(second, "model-promoted");
    await chief.locator("tbody").getByRole("link", { name: "Modelo 2" }).click();
    await chief.getByRole("img", { name: /^Curva ROC/ }).waitFor();
    await chief.getByRole("img", { name: /^Parte de las imágenes con COVID/ }).waitFor();
  });

  it("goes back to the model before, with a reason, and the other window hears of that too", async () => {
    await chief.goto("/admin/models");
    await chief.getByRole("link", { name: "Modelo 1", exact: true }).first().click();
    await chief.getByRole("button", { name: "Volver a esta versión" }).click();
    await chief.getByLabel("Motivo").fill("Era una prueba.");
    await chief.getByRole("dialog").getByRole("button", { name: "Volver a esta versión" }).click();
    await second.getByText("Model 1 went into service.").waitFor();
    await second.getByRole("row", { name: /^Model 1 in service/ }).waitFor();
    await second.getByText("Era una prueba.").waitFor();
    expect(await isMarked(second)).toBe(true);
  });

  it("and nothing went wrong in the browsers all along", () => {
    expect(faults).toEqual([[], [], []]);
  });
});
