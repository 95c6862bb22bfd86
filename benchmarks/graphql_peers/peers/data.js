/** What the peers on Node read and write: the statements of `statements.json`, by mysql2; as `data.py`. */

import { createHash, randomUUID } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import mysql from "mysql2/promise";

const CONNECTIONS = 20; // as many as ours opens at most

const STATEMENTS = JSON.parse(await readFile(new URL("statements.json", import.meta.url), "utf8"));

export const SCHEMA = await readFile(new URL("schema.graphql", import.meta.url), "utf8");

/** What the process is told: `port`, `database` and `folder`. */
export const JOB = JSON.parse(process.argv[2]);

const pool = mysql.createPool({ ...JOB.database, connectionLimit: CONNECTIONS });

const sha256 = (content) => createHash("sha256").update(content).digest("hex");

const known = (viewer) => {
  if (!viewer) throw new Error("sign in first");
  return viewer;
};

/** What a statement finds. */
export async function rows(name, ...values) {
  const [found] = await pool.query(STATEMENTS[name], values);
  return found;
}

/** Rows by their keys, in the order of these; null where there is none. */
export async function byKeys(name, column, keys) {
  const found = new Map((await rows(name, keys)).map((row) => [row[column], row]));
  return keys.map((key) => found.get(key) ?? null);
}

/** Whose live session this bearer token is. */
export async function viewerOf(authorization = "") {
  const [scheme, token] = authorization.split(" ");
  if (scheme.toLowerCase() !== "bearer") return null;
  const [viewer] = await rows("viewer", sha256(token));
  return viewer ?? null;
}

/** A page of the viewer's images, newest first. */
export async function images(viewer, first = 20) {
  const found = await rows("images", known(viewer).id, first + 1);
  return { nodes: found.slice(0, first), pageInfo: { hasNextPage: found.length > first } };
}

/** Store uploaded files, each before its row. */
export async function upload(viewer, files) {
  const results = await Promise.all(files.map((file) => keep(known(viewer), file)));
  return { results, errors: [] };
}

async function keep(viewer, file) {
  const { filename, mimetype, createReadStream } = await file;
  const content = Buffer.concat(await createReadStream().toArray());
  const [key, hash] = [randomUUID().replaceAll("-", ""), sha256(content)];
  await writeFile(join(JOB.folder, key), content);
  const { insertId } = await rows("newImage", viewer.id, key, filename, hash, mimetype, content.length);
  return { filename, image: { id: insertId, filename, sha256: hash }, errors: [] };
}

/** The fields that both peers resolve alike. */
export const FIELDS = {
  Query: {
    model: async () => (await rows("modelInService"))[0],
    images: (_, { first }, { viewer }) => images(viewer, first),
  },
  Mutation: {
    uploadImages: (_, { input }, { viewer }) => upload(viewer, input.files),
  },
};

/** The global id of a row of this type. */
export const globalId = (type) => (row) => Buffer.from(`${type}:${row.id}`).toString("base64");

export const IDS = Object.fromEntries(
  ["Image", "Prediction", "ModelVersion", "User"].map((type) => [type, { id: globalId(type) }]),
);

/** Say which versions these are. */
export async function tell(...packages) {
  const versions = await Promise.all(
    packages.map(async (name) => {
      const file = new URL(`node_modules/${name}/package.json`, import.meta.url);
      return [name, JSON.parse(await readFile(file, "utf8")).version];
    }),
  );
  console.log(JSON.stringify({ node: process.versions.node, ...Object.fromEntries(versions) }));
}
