/** From signing up to a label, as people do it, and every page looked over. */

import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Browser, BrowserContext, Page, Request } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  ADMIN,
  ANA,
  ask,
  cookieOf,
  DICOM,
  DRAWN,
  enrol,
  faultsOf,
  fillIn,
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
import { Line } from "./line";
import { LOOKS, lookOver, places } from "./pages";

let browser: Browser;
/** Ana's window, in Spanish. */
let page: Page;
let faults: string[];

beforeAll(async () => {
  browser = await launch();
  page = await (await open(browser, { locale: "es-AR" })).newPage();
  faults = faultsOf(page);
});

afterAll(async () => {
  await browser?.close();
});

const row = (of: Page, filename: string) => of.locator(".image-table tr", { hasText: filename });
const chosen = (path: string) => page.locator("input[type=file]").setInputFiles(path);

describe("an account", () => {
  it("is made in Spanish, with problems at their fields", async () => {
    await page.goto("/");
    await page.getByText("Las cifras de arriba no valen para otros hospitales.").waitFor();
    const sites = page.locator(".sites > li");
    expect(await sites.count()).toBe(2);
    for (const site of await sites.allInnerTexts()) {
      expect(site).toMatch(
        /^AUC \d+[\d,]*\s%.*enseñado por .+, con imágenes de .+ con COVID y .+ sin COVID/s,
      );
    }
    await page.getByRole("link", { name: "Registrarse" }).first().click();
    expect(await page.locator("html").getAttribute("lang")).toBe("es");
    await page.getByLabel("Su nombre").fill(ANA.name);
    await page.getByLabel("Dirección de correo").fill(ANA.email);
    await page.getByLabel("Contraseña", { exact: true }).fill("corta");
    await page.getByRole("button", { name: "Crear la cuenta" }).click();
    await page.getByText("La contraseña debe tener al menos 8 caracteres.").waitFor();
    expect(await page.evaluate(() => document.activeElement?.getAttribute("name"))).toBe("password");
    await picture(page, "problem-at-field");
    await page.getByLabel("Contraseña", { exact: true }).fill(ANA.password);
    await page.getByRole("button", { name: "Crear la cuenta" }).click();
    await page.getByRole("heading", { name: "Un correo está en camino" }).waitFor();
  });

  it("is confirmed by the mail, which is in Spanish too", async () => {
    const mail = await mailTo(ANA.email);
    expect(mail).toContain("Confirme");
    await page.goto(linkIn(mail));
    await page.getByRole("button", { name: "Confirmar" }).click();
    await page.getByText(`${ANA.email} quedó confirmada.`).waitFor();
  });

  it("opens what asked for it", async () => {
    await page.goto("/label-queue");
    await page.locator("main").getByRole("link", { name: "Iniciar sesión" }).click();
    await page.getByLabel("Dirección de correo").fill(ANA.email);
    await page.getByLabel("Contraseña", { exact: true }).fill("no es esta");
    await page.getByRole("button", { name: "Iniciar sesión" }).click();
    await page.getByText("La dirección o la contraseña no es correcta.").waitFor();
    await page.getByLabel("Contraseña", { exact: true }).fill(ANA.password);
    await page.getByRole("button", { name: "Iniciar sesión" }).click();
    await page.getByRole("heading", { name: "Cola de etiquetado" }).waitFor();
  });
});

describe("examining", () => {
  it("shows a finding as it is made, in a second window too", async () => {
    const other = await (await open(browser, { locale: "en" })).newPage();
    await signIn(other, ANA);
    await other.getByText("No images yet.").waitFor();

    await page.goto("/examine");
    await page.locator("input[type=file]").setInputFiles(RADIOGRAPHS);
    await page.getByLabel("Verdad confirmada de covid-0002.jpg", { exact: true }).selectOption("COVID");
    await page.getByLabel("En qué se apoya la verdad confirmada de covid-0002.jpg").selectOption("RT_PCR");
    await picture(page, "files-chosen");
    await page.getByRole("button", { name: `Subir ${RADIOGRAPHS.length} archivos` }).click();

    await row(other, "covid-0002.jpg").locator(".wide-only .finding").first().waitFor();
    expect(await row(other, "covid-0002.jpg").innerText()).toMatch(/RT-PCR/);
    await row(page, "covid-0002.jpg").locator(".wide-only .finding").first().waitFor();
    await row(page, "covid-0002.jpg").getByText("RT-PCR").last().waitFor();
    await other.context().close();
  });

  it("takes files that are dragged in", async () => {
    const held = await page.evaluateHandle(() => {
      const files = new DataTransfer();
      for (const name of ["una.png", "dos.png"])
        files.items.add(new File(["x"], name, { type: "image/png" }));
      return files;
    });
    await page.locator(".drop-field").dispatchEvent("drop", { dataTransfer: held });
    for (const name of ["una.png", "dos.png"])
      await page.getByRole("button", { name: `Quitar ${name} de la lista` }).click();
    expect(await page.locator(".upload-item", { hasText: "Listo para subir" }).count()).toBe(0);
  });

  it("tells of a file that is no image at that file, and of one that is there already", async () => {
    const about = (name: string) => page.locator(".upload-item", { hasText: name });
    await page.getByRole("button", { name: "Quitar lo terminado" }).click();
    await page
      .locator("input[type=file]")
      .setInputFiles([{ name: "carta.png", mimeType: "image/png", buffer: Buffer.from("no image") }]);
    await chosen(RADIOGRAPHS[0] as string);
    await page.getByRole("button", { name: "Subir 2 archivos" }).click();
    await about("carta.png").getByRole("alert").waitFor();
    await about("covid-0002.jpg").getByText("Usted ya había subido este mismo archivo").waitFor();
  });

  it("goes on by itself after the browser was offline", async () => {
    await page.goto("/examine");
    await page
      .locator("input[type=file]")
      .setInputFiles([{ name: "otra.png", mimeType: "image/png", buffer: Buffer.from("no image") }]);
    await page.context().setOffline(true);
    await page.getByRole("button", { name: "Subir 1 archivo" }).click();
    await page.getByText("Se perdió la conexión; se enviará de nuevo por sí solo").waitFor();
    await page.getByText("No hay conexión.").waitFor();
    await picture(page, "offline");
    await page.context().setOffline(false);
    await page.locator(".upload-item").getByRole("alert").waitFor();
    await row(page, "covid-0002.jpg").waitFor();
  });

  it("goes on by itself when the line breaks in the middle of a file", async () => {
    const line = await Line.laid();
    const other = await (await open(browser, { locale: "en", address: line.address })).newPage();
    await signIn(other, ANA);
    // What stands behind the end of a JPEG is no part of the picture; sockets take megabytes ahead.
    const film = readFileSync(join(DRAWN, "film-18.jpg"));
    const buffer = Buffer.concat([film, Buffer.alloc(20_000_000)]);
    await other
      .locator("input[type=file]")
      .setInputFiles([{ name: "long.jpg", mimeType: "image/jpeg", buffer }]);
    line.hold(2_000_000);
    await other.getByRole("button", { name: "Upload 1 file" }).click();
    const progress = other.getByRole("progressbar", { name: "Upload of long.jpg" });
    const share = async () => Number(await progress.getAttribute("value"));
    await expect.poll(share, { ...SLOWLY, interval: 50 }).toBeGreaterThan(0.05);
    expect(await share()).toBeLessThan(0.9);
    line.cut();
    await other.getByText("The connection was lost; it is sent again by itself").waitFor();
    await other.getByText("The connection to the server was lost.").waitFor();
    await picture(other, "line-cut");
    line.mend();
    await other.locator(".upload-item", { hasText: "long.jpg" }).getByText("Uploaded").waitFor();
    await row(other, "long.jpg").locator(".wide-only .finding").first().waitFor();
    await other.context().close();
    line.close();
  });

  it("hears of what it missed while the socket was down", async () => {
    const other = await (await open(browser, { locale: "en" })).newPage();
    const sockets: { close(): Promise<void> }[] = [];
    let isDown = false;
    await other.routeWebSocket(/\/graphql$/, (socket) => {
      if (isDown) void socket.close({ code: 1012, reason: "down" });
      else {
        socket.connectToServer();
        sockets.push(socket);
      }
    });
    await signIn(other, ANA);
    await row(other, "covid-0002.jpg").locator(".wide-only .finding").first().waitFor();
    isDown = true;
    await sockets.at(-1)?.close();
    await other.getByText("The connection to the server was lost.").waitFor();

    await page.locator("input[type=file]").setInputFiles(DICOM);
    await page.getByRole("button", { name: "Subir 1 archivo" }).click();
    await row(page, "film.dcm").locator(".wide-only .finding").first().waitFor();
    expect(await row(other, "film.dcm").count()).toBe(0);
    isDown = false;
    await row(other, "film.dcm").locator(".wide-only .finding").first().waitFor();
    await other.getByText("The connection to the server was lost.").waitFor({ state: "detached" });
    await other.context().close();
  });

  it("is put in another order, which holds beyond the first page", async () => {
    await page.goto("/examine");
    const names = () => page.locator(".image-about a").allInnerTexts();
    await expect.poll(async () => (await names()).length, SLOWLY).toBe(5);
    await page.getByLabel("Orden").selectOption("NAME");
    const inOrder = ["covid-0002.jpg", "covid-0004.jpg", "film.dcm", "long.jpg", "pneumonia-0001.jpg"];
    await expect.poll(names, SLOWLY).toEqual(inOrder);
    await page.getByLabel("Orden").selectOption("NAME_REVERSED");
    await expect.poll(names, SLOWLY).toEqual(inOrder.toReversed());
  });

  it("labels, renames and finds", async () => {
    await page.goto("/examine");
    await page
      .getByRole("button", { name: /^Editar pneumonia/ })
      .first()
      .click();
    await page.getByLabel("Verdad confirmada").last().selectOption("NO_COVID");
    await page.getByRole("button", { name: "Etiquetar" }).click();
    await page.getByText("quedó etiquetada").waitFor();
    await picture(page, "editing");
    await page.getByLabel("Nombre", { exact: true }).fill("sala 3.jpg");
    await page.getByRole("button", { name: "Guardar" }).click();
    await row(page, "sala 3.jpg").first().waitFor();
    await page.getByLabel("Nombre o paciente").fill("sala");
    await page.getByText("1 de 1 imágenes").waitFor();
  });

  it("deletes, and takes it back", async () => {
    await page.goto("/examine");
    await page.locator(".image-table .thumbnail").first().waitFor();
    const count = await page.locator(".image-table .thumbnail").count();
    await page.getByRole("button", { name: "Borrar sala 3.jpg" }).click();
    await page.getByText("sala 3.jpg quedó borrada.").waitFor();
    await picture(page, "deleted");
    expect(await page.locator(".image-table .thumbnail").count()).toBe(count - 1);
    await page.getByRole("button", { name: "Deshacer" }).click();
    await row(page, "sala 3.jpg").first().waitFor();
    await page.getByRole("button", { name: "Borrar sala 3.jpg" }).click();
    await page.getByRole("button", { name: "Descartar" }).click();
    await page.reload();
    await page.locator(".image-table .thumbnail").first().waitFor();
    await expect.poll(() => page.locator(".image-table .thumbnail").count(), SLOWLY).toBe(count - 1);
  });

  it("takes a hundred files, each to its own end", async () => {
    const drawn = readdirSync(DRAWN).map((file) => join(DRAWN, file));
    const broken = Array.from({ length: 100 - drawn.length }, (_, number) => ({
      name: `carta ${number}.png`,
      mimeType: "image/png",
      buffer: Buffer.from(`no image, ${number}`),
    }));
    const films = drawn.map((path) => ({
      name: basename(path),
      mimeType: "image/jpeg",
      buffer: readFileSync(path),
    }));
    await page.locator("input[type=file]").setInputFiles([...films, ...broken]);
    await page.getByRole("button", { name: "Subir 100 archivos" }).click();
    const items = page.locator(".upload-item");
    await items.getByRole("alert").first().or(items.locator("progress").first()).first().waitFor();
    await picture(page, "hundred");
    await expect
      .poll(() => items.getByRole("alert").count(), { timeout: 150_000, interval: 300 })
      .toBe(broken.length);
    expect(await items.filter({ hasText: "Subido" }).count()).toBe(films.length);
  }, 180_000);
});

describe("one image", () => {
  it("is looked at with its heatmap, and its probability is on the scale", async () => {
    await page.goto("/examine");
    await page.getByLabel("Nombre o paciente").fill("covid-0002");
    await page.getByText("1 de 1 imágenes").waitFor();
    await row(page, "covid-0002.jpg").getByRole("link").click();
    await page.getByRole("img", { name: /Probabilidad de COVID: / }).waitFor();
    await page.getByRole("button", { name: "Invertir" }).click();
    await page.getByLabel("Mapa de calor").fill("0.8");
    await page.locator(".viewer-heat").waitFor();
    await expect
      .poll(() => page.locator(".viewer-heat").evaluate((heat) => getComputedStyle(heat).opacity), SLOWLY)
      .toBe("0.8");
    await picture(page, "heatmap");
    expect(await page.locator(".history").count()).toBe(2);
  });

  it("renews the addresses of its pictures before they expire, and keeps the view", async () => {
    const other = await (await open(browser, { locale: "en" })).newPage();
    // A quarter of an hour ago on the server, by whose clock the addresses are rounded to a minute.
    await other.clock.install();
    await signIn(other, ANA);
    await row(other, "covid-0002.jpg").getByRole("link").click();
    const shown = other.getByRole("img", { name: "Radiograph covid-0002.jpg" });
    await other.getByRole("button", { name: "Invert" }).click();
    const asked: string[] = [];
    other.on("request", (request) => asked.push(request.postData() ?? ""));
    await other.clock.fastForward("11:00");
    await other.waitForTimeout(500);
    expect(asked.filter((body) => body.includes("query Image("))).toEqual([]);
    await other.clock.fastForward("01:30");
    await expect.poll(() => asked.filter((body) => body.includes("query Image(")).length, SLOWLY).toBe(1);
    expect(await shown.evaluate((img) => img.style.filter)).toContain("invert(1)");
    await other.context().close();
  });
});

describe("the label queue", () => {
  it("is worked off by keys alone", async () => {
    await page.goto("/label-queue");
    const heading = page.locator(".image-page h2");
    await heading.waitFor();
    const first = await heading.innerText();
    await page.keyboard.press("n");
    await page.getByText(`${first}: Sin COVID`).waitFor();
    await expect.poll(() => heading.innerText(), SLOWLY).not.toBe(first);
    const second = await heading.innerText();
    await page.keyboard.press("s");
    await expect.poll(() => heading.innerText(), SLOWLY).not.toBe(second);
  });
});

describe("everybody", () => {
  it("hears of news as they are published", async () => {
    await page.goto("/news");
    await page.getByText("Todavía no hay noticias.").waitFor();
    const token = await tokenOf(ADMIN);
    await ask(
      "mutation($input: PublishNewsInput!) { publishNews(input: $input) { errors { code } } }",
      {
        input: {
          title: "Modelo 2",
          body: "# Nuevo\n\n- **mejor** en <b>todo</b>\n\n[más](https://a.example)",
        },
      },
      token,
    );
    await page.getByRole("link", { name: "Modelo 2" }).click();
    await page.getByText("mejor").waitFor();
    expect(await page.locator(".markdown b").count()).toBe(0);
  });

  it("writes to the administrators, and learns what happens next", async () => {
    await page.goto("/contact");
    await expect.poll(() => page.getByLabel("Su nombre").inputValue(), SLOWLY).toBe(ANA.name);
    await page.getByRole("button", { name: "Enviar" }).click();
    await page.locator("[aria-invalid=true]").first().waitFor();
    await page.getByLabel("Asunto").fill("Una pregunta");
    await page.getByRole("textbox", { name: "Mensaje" }).fill("¿Dónde están las cifras?");
    await page.getByRole("button", { name: "Enviar" }).click();
    await page.getByRole("heading", { name: "Gracias, su mensaje llegó" }).waitFor();
  });

  it("switches the language at any moment, and finds it again", async () => {
    await page.goto("/sign-up");
    await page.getByLabel("Su nombre").fill("Ana");
    await page.getByRole("button", { name: "English" }).click();
    await page.getByRole("heading", { name: "Sign up" }).waitFor();
    expect(await page.getByLabel("Your name").inputValue()).toBe("Ana");
    await page.reload();
    await page.getByRole("heading", { name: "Sign up" }).waitFor();
    expect(await page.locator("html").getAttribute("lang")).toBe("en");
  });
});

const OTTO = { name: "Otto Ruiz", email: "otto@hospital.example", password: "quinta batería correcta" };

describe("a session", () => {
  let context: BrowserContext;
  let first: Page;
  let second: Page;
  let wrong: string[];

  beforeAll(async () => {
    context = await open(browser, { locale: "en" });
    [first, second] = [await context.newPage(), await context.newPage()];
    wrong = faultsOf(first);
    await signIn(first, ANA);
  });

  it("is a cookie, and no script can read it", async () => {
    const token = await cookieOf(context);
    expect(token.length).toBeGreaterThan(20);
    const [cookie] = await context.cookies();
    // It goes when the browser is closed.
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Strict", expires: -1 });
    const kept = await first.evaluate(() => [
      document.cookie,
      JSON.stringify({ ...localStorage, ...sessionStorage }),
    ]);
    expect(kept[0]).toBe("");
    expect(kept[1]).toContain("covidxr-signed-in");
    expect(kept[1]).not.toContain(token);
  });

  it("is asked about once by each page", async () => {
    const asked: string[] = [];
    const note = (request: Request) => asked.push(request.postData() ?? "");
    first.on("request", note);
    await first.goto("/examine");
    await row(first, "covid-0002.jpg").waitFor();
    first.off("request", note);
    expect(asked.filter((body) => body.includes("query Viewer"))).toHaveLength(1);
  });

  it("is that of all tabs, which end and begin it together", async () => {
    await second.goto("/examine");
    await row(second, "covid-0002.jpg").waitFor();
    await second.getByRole("button", { name: "Sign out" }).click();
    await first.getByRole("heading", { name: "Your session has ended" }).waitFor();
    expect(await context.cookies()).toEqual([]);

    await signIn(first, ANA);
    await second.getByText(ANA.name).waitFor();
    await second.goto("/examine");
    await row(second, "covid-0002.jpg").waitFor();
    await enrol(OTTO);
    await signIn(first, OTTO);
    await second.getByText("No images yet.").waitFor();
    await second.getByText(OTTO.name).waitFor();
  });

  it("goes on where the server cannot be told of its end, and says so", async () => {
    await context.setOffline(true);
    await first.getByRole("button", { name: "Sign out" }).click();
    await first.getByText("That did not work: this browser is still signed in.").waitFor();
    await context.setOffline(false);
    await first.getByRole("button", { name: "Sign out" }).click();
    await first.getByRole("link", { name: "Sign up" }).first().waitFor();
  });

  it("is gone with the cookie, and begins anew", async () => {
    await signIn(first, ANA);
    await context.clearCookies();
    await first.goto("/news");
    await first.getByRole("link", { name: "Sign in" }).click();
    await fillIn(first, ANA);
    await row(first, "covid-0002.jpg").waitFor();
    await first.getByText(ANA.name).waitFor();
  });

  it("is GraphiQL's too", async () => {
    await second.goto("/examine");
    await row(second, "covid-0002.jpg").waitFor();
    await first.goto("/graphql");
    await first.getByText(`Signed in as ${ANA.email} (member), in all tabs of this browser.`).waitFor();
    await first.getByRole("button", { name: "Sign out" }).click();
    await first.getByText("Nobody is signed in.").waitFor();
    await second.getByRole("heading", { name: "Your session has ended" }).waitFor();
    expect(await context.cookies()).toEqual([]);
  });

  it("begins by a tab of GraphiQL, for the pages too", async () => {
    const input = { email: ANA.email, password: ANA.password, cookie: true };
    await first.getByRole("tab", { name: "SignIn" }).click();
    await first.locator(".graphiql-editor").nth(1).click();
    await first.keyboard.press("Control+a");
    await first.keyboard.insertText(JSON.stringify({ input }));
    // The editor has closed a quote and a brace that were closed already.
    await pressOn(first, "Delete", "Delete");
    await first.locator(".graphiql-execute-button").click();
    await first.getByRole("menuitem", { name: "SignIn" }).click();
    await first.getByText(`Signed in as ${ANA.email}`).waitFor();
    await row(second, "covid-0002.jpg").waitFor();
    const token = await cookieOf(context);
    expect(await first.locator(".result-window").innerText()).not.toContain(token);
  });

  it("and nothing went wrong in the browser all along", async () => {
    expect(wrong).toEqual([]);
    await context.close();
  });
});

describe("a session that has ended", () => {
  it("is told of, and another leads back to where one was", async () => {
    await page.goto("/examine");
    await page.locator(".image-table").waitFor();
    await ask("mutation { signOut { signedOut } }", {}, await cookieOf(page.context()));
    // The page hears of it by itself.
    await page.getByRole("heading", { name: "Your session has ended" }).waitFor();
    await picture(page, "session-ended");
    await page.getByRole("link", { name: "Sign in again" }).click();
    // By keyboard alone.
    await page.locator("input[name=email]").focus();
    await page.keyboard.type(ANA.email);
    await page.keyboard.press("Tab");
    await page.keyboard.type(ANA.password);
    await page.keyboard.press("Enter");
    await page.waitForURL("**/examine");
    await page.locator(".image-table").waitFor();
  });

  it("and nothing went wrong in the browser all along", () => {
    expect(faults).toEqual([]);
  });
});

describe("every page", () => {
  it.each(LOOKS)("passes axe and fits: $locale, $width pixels, dark $isDark", async (looks) => {
    expect(await lookOver(browser, looks, await places(await tokenOf(ANA)), ANA)).toEqual([]);
  });
});
