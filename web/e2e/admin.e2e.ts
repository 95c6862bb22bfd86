/** What administrators do, and every one of their pages looked over. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ADMIN, DRAWN, enrol, faultsOf, launch, open, pressOn, SERVER, signIn, tokenOf } from "./browser";
import { adminPlaces, LOOKS, lookOver } from "./pages";

const MARTA = { name: "Marta Díaz", email: "marta@hospital.example", password: "tercera batería correcta" };

let browser: Browser;
let page: Page;
let faults: string[];

beforeAll(async () => {
  browser = await launch();
  await enrol(MARTA);
  page = await (await open(browser, { locale: "es-AR" })).newPage();
  faults = faultsOf(page);
  await signIn(page, ADMIN);
});

afterAll(async () => {
  await browser?.close();
});

/** Uploads a labelled film, for something to learn from. */
async function label(): Promise<void> {
  const query = "mutation($input: UploadImagesInput!) { uploadImages(input: $input) { errors { code } } }";
  const input = { files: [null], label: "COVID", evidence: "RT_PCR" };
  const form = new FormData();
  form.append("operations", JSON.stringify({ query, variables: { input } }));
  form.append("map", JSON.stringify({ 0: ["variables.input.files.0"] }));
  form.append("0", new Blob([readFileSync(join(DRAWN, "film-19.jpg"))]), "film-19.jpg");
  const headers = { authorization: `Bearer ${await tokenOf(ADMIN)}` };
  const answer = await fetch(`${SERVER}/graphql`, { method: "POST", headers, body: form });
  expect(await answer.json()).toMatchObject({ data: { uploadImages: { errors: [] } } });
}

const dialog = () => page.getByRole("dialog");

describe("the administration", () => {
  it("is not for members, who are told so", async () => {
    const other = await (await open(browser, { locale: "en" })).newPage();
    await signIn(other, MARTA);
    expect(await other.getByRole("link", { name: "Administration" }).count()).toBe(0);
    await other.goto("/admin/users");
    await other.getByRole("heading", { name: "For administrators" }).waitFor();
    await other.context().close();
  });

  it("is found in the menu", async () => {
    await page.getByRole("link", { name: "Administración" }).click();
    await page.locator("main").getByRole("link", { name: "Reentrenamiento" }).last().click();
    await page.getByText("No hay ningún entrenamiento en curso.").waitFor();
  });
});

describe("retraining", () => {
  it("hears of a new label, starts a run, follows it and cancels it", async () => {
    await page.goto("/admin/retraining");
    await page.getByText("No hay ningún entrenamiento en curso.").waitFor();
    const labels = page.locator("progress");
    const before = Number(await labels.first().getAttribute("value"));
    await label();
    await expect
      .poll(async () => Number(await labels.first().getAttribute("value")), { timeout: 20_000 })
      .toBe(before + 1);
    await page.getByRole("button", { name: "Empezar un entrenamiento" }).click();
    await dialog().getByRole("button", { name: "Empezar un entrenamiento" }).click();
    await page.getByRole("button", { name: "Cancelar el entrenamiento" }).click();
    await dialog().getByRole("button", { name: "Cancelar el entrenamiento" }).click();
    await page.getByText("El entrenamiento quedó cancelado.").waitFor();
    await page.locator("tbody").getByText("cancelado", { exact: true }).first().waitFor();
  });

  it("has a policy, whose problems are at their fields and whose changes are kept", async () => {
    const least = page.getByLabel("Minutos mínimos entre entrenamientos automáticos");
    await least.fill("pronto");
    await page.getByRole("button", { name: "Guardar" }).click();
    expect(await least.getAttribute("aria-invalid")).toBe("true");
    await least.fill("45");
    await page.getByRole("button", { name: "Guardar" }).click();
    await page.getByText("Las nuevas reglas están en vigor.").waitFor();
    await page.getByText(/Minutos mínimos entre entrenamientos automáticos:.*\b45$/).waitFor();
  });
});

describe("a user", () => {
  it("is blocked with a reason, by keyboard alone, and let in again", async () => {
    await page.goto("/admin/users");
    await page.getByRole("button", { name: `Bloquear: ${MARTA.name}`, exact: true }).focus();
    await pressOn(page, "Enter");
    await dialog().waitFor();
    await pressOn(page, "Escape");
    await dialog().waitFor({ state: "detached" });
    await pressOn(page, "Enter");
    await dialog().getByLabel("Motivo").focus();
    await page.keyboard.type("etiqueta sin mirar");
    await pressOn(page, "Tab", "Enter");
    await page.getByText("etiqueta sin mirar").waitFor();
    await page.getByRole("button", { name: `Desbloquear: ${MARTA.name}` }).click();
    await dialog().getByRole("button", { name: "Desbloquear" }).click();
    await page.getByText("puede iniciar sesión de nuevo").waitFor();
  });
});

describe("a post", () => {
  it("is written with a preview, changed and deleted", async () => {
    await page.goto("/admin/news");
    await page.getByRole("button", { name: "Escribir una noticia" }).click();
    await page.getByLabel("Título").fill("Una prueba");
    await page.getByRole("textbox", { name: "Texto" }).fill("Con **énfasis**");
    await page.locator(".preview strong").getByText("énfasis").waitFor();
    await page.getByRole("button", { name: "Publicar" }).click();
    await page.getByRole("button", { name: "Cambiar: Una prueba" }).click();
    await page.getByLabel("Título").fill("Otra prueba");
    await page.getByRole("button", { name: "Guardar" }).click();
    await page.getByRole("button", { name: "Borrar: Otra prueba" }).click();
    await dialog().getByRole("button", { name: "Borrar" }).click();
    await page.getByText("La noticia quedó borrada.").waitFor();
    await page.getByRole("link", { name: "Otra prueba" }).waitFor({ state: "detached" });
  });
});

describe("the trail", () => {
  it("tells what was done, by whom and why, and can be looked through", async () => {
    await page.goto("/admin/trail");
    const rows = page.locator("tbody tr");
    await rows.filter({ hasText: "Motivo: etiqueta sin mirar" }).first().waitFor();
    await rows
      .filter({ hasText: `Usuario: ${MARTA.name}` })
      .first()
      .waitFor();
    await page.getByLabel("Qué se hizo").selectOption("SIGNED_IN");
    await rows.filter({ hasText: "bloqueó" }).first().waitFor({ state: "detached" });
    await page
      .getByRole("button", { name: `Solo lo que hizo ${MARTA.name}` })
      .first()
      .click();
    await page.getByText(`Se muestra lo que hizo ${MARTA.name}.`).waitFor();
    await page.getByLabel("Qué se hizo").selectOption("USER_BLOCKED");
    await page.getByText("No hay nada así.").waitFor();
    await page.getByRole("button", { name: "Mostrar lo de todos" }).click();
    await rows.filter({ hasText: "Motivo: etiqueta sin mirar" }).first().waitFor();
    await page.getByLabel("Hasta").fill("2020-01-01");
    await page.getByText("No hay nada así.").waitFor();
  });
});

describe("every page of theirs", () => {
  it.each(LOOKS)("passes axe and fits: $locale, $width pixels, dark $isDark", async (looks) => {
    const places = await adminPlaces(await tokenOf(ADMIN));
    expect(await lookOver(browser, looks, places, ADMIN)).toEqual([]);
  });

  it("and nothing went wrong in the browser all along", () => {
    expect(faults).toEqual([]);
  });
});
