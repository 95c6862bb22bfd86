/**
 * Hears of the first file as it is judged, and of the others by resuming behind it:
 *
 *     COVIDXR_PASSWORD=… npm start -- http://127.0.0.1:8000 you@your-hospital.example chest.jpg …
 *
 * For research, not for diagnosis.
 */

import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { CovidXR, type PredictionMade } from "./covidxr.js";

const [address = "", email = "", ...names] = process.argv.slice(2);
const files = await Promise.all(names.map(async (name) => new File([await readFile(name)], basename(name))));

function say({ prediction }: PredictionMade): void {
  const found = prediction.finding ?? `no finding (${prediction.abstained})`;
  console.log(`${prediction.image.filename}: ${found}, probability ${prediction.probability}`);
}

const covidxr = await new CovidXR(address).signIn(email, process.env.COVIDXR_PASSWORD ?? "");
const now = await covidxr.lastCursor(); // a subscription does not say when it stands
const listening = covidxr.predictions(now);
const hearing = listening.next();
await covidxr.upload(files.slice(0, 1));
const { value: first } = await hearing;
say(first);
await listening.return(undefined);

const others = files.slice(1);
if (others.length > 0) await covidxr.upload(others); // while nobody listens
const resumed = covidxr.predictions(first.cursor);
for (const _ of others) say((await resumed.next()).value);
await resumed.return(undefined);
