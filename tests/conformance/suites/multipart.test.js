/** Uploads by apollo-upload-client and extract-files, and forms that do not follow their specification. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ApolloClient, gql, InMemoryCache } from "@apollo/client";
import UploadHttpLink from "apollo-upload-client/UploadHttpLink.mjs";
import extractFiles from "extract-files/extractFiles.mjs";
import isExtractableFile from "extract-files/isExtractableFile.mjs";
import { admin, bearer, member, picture, url } from "./live.js";

const UPLOAD = `mutation Upload($input: UploadImagesInput!) {
  uploadImages(input: $input) {
    errors { code }
    results { filename image { id width } errors { code } }
  }
}`;
const ONE = `mutation One($file: Upload!) {
  uploadImages(input: { files: [$file] }) { errors { code } results { filename errors { code } } }
}`;

describe("by apollo-upload-client", () => {
  const link = new UploadHttpLink({ uri: url, headers: bearer(member) });
  const client = new ApolloClient({ cache: new InMemoryCache(), link });

  test("one file", async () => {
    const { data } = await client.mutate({ mutation: gql(ONE), variables: { file: await picture(0) } });
    assert.deepEqual(data.uploadImages.errors, []);
    assert.equal(data.uploadImages.results[0].filename, "0.png");
  });

  test("a list of files, one of which is none", async () => {
    const files = [await picture(1), new File(["x"], "x.png"), await picture(2)];
    const { data } = await client.mutate({ mutation: gql(UPLOAD), variables: { input: { files } } });
    const { results } = data.uploadImages;
    assert.deepEqual(
      results.map(({ filename }) => filename),
      ["1.png", "x.png", "2.png"],
    );
    assert.deepEqual(
      results.map(({ errors }) => errors.length),
      [0, 1, 0],
    );
  });
});

/** A form as extract-files makes it. */
function formOf(operations) {
  const { clone, files } = extractFiles(operations, isExtractableFile);
  const form = new FormData();
  form.set("operations", JSON.stringify(clone));
  form.set("map", JSON.stringify(Object.fromEntries([...files.values()].map((paths, n) => [n, paths]))));
  for (const [n, file] of [...files.keys()].entries()) form.set(n, file);
  return form;
}

async function send(form, token = member) {
  const response = await fetch(url, { method: "POST", headers: bearer(token), body: form });
  return { status: response.status, body: await response.json() };
}

test("one file at several places, by extract-files", async () => {
  const file = await picture(3);
  const { body } = await send(
    formOf({ query: UPLOAD, variables: { input: { files: [file, file] } } }),
    admin,
  );
  assert.equal(body.data.uploadImages.results.length, 2);
});

describe("forms that do not follow the specification get 400 and a message", () => {
  const operations = { query: UPLOAD, variables: { input: { files: [null] } } };
  const text = JSON.stringify(operations);
  const map = JSON.stringify({ 0: ["variables.input.files.0"] });
  const file = new File(["x"], "x.png");
  const cases = {
    "a batch of operations": [
      ["operations", `[${text}]`],
      ["map", '{"0": ["0.variables.input.files.0"]}'],
      ["0", file],
    ],
    "no operations": [
      ["map", map],
      ["0", file],
    ],
    "no map": [
      ["operations", text],
      ["0", file],
    ],
    "operations that are no JSON": [
      ["operations", "{"],
      ["map", map],
      ["0", file],
    ],
    "operations that are no object": [
      ["operations", '"x"'],
      ["map", map],
      ["0", file],
    ],
    "operations that are a file": [
      ["operations", new File([text], "o.json")],
      ["map", map],
      ["0", file],
    ],
    "a map that is no JSON": [
      ["operations", text],
      ["map", "0=variables"],
      ["0", file],
    ],
    "a map that is a list": [
      ["operations", text],
      ["map", '[["variables.input.files.0"]]'],
      ["0", file],
    ],
    "a path that is no list": [
      ["operations", text],
      ["map", '{"0": "variables.input.files.0"}'],
      ["0", file],
    ],
    "a path that leads nowhere": [
      ["operations", text],
      ["map", '{"0": ["variables.input.pictures.0"]}'],
      ["0", file],
    ],
    "a path beyond the list": [
      ["operations", text],
      ["map", '{"0": ["variables.input.files.7"]}'],
      ["0", file],
    ],
    "a path to what is no null": [
      ["operations", text],
      ["map", '{"0": ["query"]}'],
      ["0", file],
    ],
    "a path into Object's prototype": [
      ["operations", text],
      ["map", '{"0": ["__proto__.file"]}'],
      ["0", file],
    ],
    "a map of a file that is missing": [
      ["operations", text],
      ["map", map],
    ],
    "a map of a field that is no file": [
      ["operations", text],
      ["map", map],
      ["0", "x"],
    ],
    "too many files": [
      ["operations", text],
      ["map", map],
      ...Array.from({ length: 150 }, (_, n) => [`${n}`, file]),
    ],
    "too many fields": [["operations", text], ["map", map], ["0", file], ...Array(30).fill(["field", "x"])],
  };
  for (const [name, parts] of Object.entries(cases)) {
    test(name, async () => {
      const form = new FormData();
      for (const part of parts) form.append(...part);
      const { status, body } = await send(form);
      assert.equal(status, 400);
      assert.equal(body.errors.length, 1);
      assert.equal(body.errors[0].extensions.code, "BAD_USER_INPUT");
      assert.ok(body.errors[0].message.length > 10);
    });
  }

  test("a file that is mapped nowhere leaves its place empty, which the schema refuses", async () => {
    const form = new FormData();
    form.set("operations", text);
    form.set("map", "{}");
    form.set("0", file);
    const { body } = await send(form);
    assert.equal(body.errors[0].extensions.code, "BAD_USER_INPUT");
  });

  test("a body that ends in the middle of a file", async () => {
    const head = `--b\r\nContent-Disposition: form-data; name="operations"\r\n\r\n${text}\r\n`;
    const headers = { ...bearer(member), "content-type": "multipart/form-data; boundary=b" };
    const response = await fetch(url, { method: "POST", headers, body: head });
    assert.equal(response.status, 400);
    assert.equal((await response.json()).errors[0].extensions.code, "BAD_USER_INPUT");
  });
});

describe("the order of the specification", () => {
  test("files before operations and map are taken too", async () => {
    const file = await picture(4);
    const given = formOf({ query: UPLOAD, variables: { input: { files: [file] } } });
    const form = new FormData();
    for (const name of ["0", "map", "operations"]) form.set(name, given.get(name));
    const { status, body } = await send(form);
    assert.equal(status, 200);
    assert.deepEqual(body.data.uploadImages.results[0].errors, []);
  });
});
