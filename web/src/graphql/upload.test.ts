import { describe, expect, it, vi } from "vitest";
import { formOf, sentOf, upload } from "./upload";

describe("the form of an upload", () => {
  it("is as the multipart specification says", () => {
    const file = new File(["x"], "chest.png");
    const form = formOf(file, { label: "COVID", evidence: "RT_PCR" });
    expect([...form.keys()]).toEqual(["operations", "map", "0"]);
    const { query, variables } = JSON.parse(form.get("operations") as string);
    expect(query).toContain("fragment ImageRow on Image");
    expect(variables.input).toEqual({ label: "COVID", evidence: "RT_PCR", files: [null] });
    expect(JSON.parse(form.get("map") as string)).toEqual({ "0": ["variables.input.files.0"] });
    expect((form.get("0") as File).name).toBe("chest.png");
  });
});

describe("the answer to an upload", () => {
  const problem = { code: "CORRUPT_IMAGE" as const, message: "no", path: null };

  it("tells of the file's own problems, and of those of the whole", () => {
    const results = [{ image: null, duplicateOf: null, errors: [problem] }];
    expect(sentOf({ data: { uploadImages: { errors: [], results } } })).toEqual({
      status: "refused",
      problems: [problem],
    });
    const whole = { ...problem, retryAfter: null };
    expect(sentOf({ data: { uploadImages: { errors: [whole], results: [] } } }).status).toBe("refused");
  });

  it("tells when to come back, to the mutation and to the endpoint", () => {
    const full = { code: "RATE_LIMITED" as const, message: "no", path: ["input"], retryAfter: 12 };
    const later = { status: "later", seconds: 12 };
    expect(sentOf({ data: { uploadImages: { errors: [full], results: [] } } })).toEqual(later);
    const limited = { message: "no", extensions: { code: "RATE_LIMITED", retryAfter: 12 } };
    expect(sentOf({ errors: [limited] })).toEqual(later);
  });

  it("tells of a failure", () => {
    const errors = [{ message: "who are you", extensions: { code: "UNAUTHENTICATED" } }];
    expect(sentOf({ errors })).toEqual({
      status: "failed",
      failure: { kind: "UNAUTHENTICATED", message: "who are you" },
    });
  });
});

describe("an upload", () => {
  it("says what no form of another site could, and leaves who it is to the browser's cookie", async () => {
    const headers = new Map<string, string>();
    class Request {
      upload = {};
      responseText = "{}";
      onload = () => {};
      open() {}
      setRequestHeader(name: string, value: string) {
        headers.set(name.toLowerCase(), value);
      }
      send() {
        this.onload();
      }
    }
    vi.stubGlobal("XMLHttpRequest", Request);
    await upload(new File(["x"], "chest.png"), {}, () => {});
    vi.unstubAllGlobals();
    expect([...headers.keys()]).toEqual(["accept", "graphql-require-preflight"]);
  });
});
