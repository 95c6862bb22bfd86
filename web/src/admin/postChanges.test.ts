import { describe, expect, it } from "vitest";
import { changedFields } from "./postChanges";

describe("what has changed in a post", () => {
  const post = { title: "A", body: "b" };

  it("is the fields that differ", () => {
    expect(changedFields(post, { title: "A", body: "c" })).toEqual({ body: "c" });
    expect(changedFields(post, { title: "", body: "b" })).toEqual({ title: "" });
  });

  it("is nothing where none does", () => {
    expect(changedFields(post, { ...post })).toBeNull();
  });
});
