import { buildSchema, type GraphQLEnumType } from "graphql";
import { describe, expect, it } from "vitest";
import sdl from "../../../schema.graphql?raw";
import { codes, failureInWords, problemInWords } from "./problems";

describe("problems", () => {
  it("have words for every code of the schema", () => {
    const kinds = buildSchema(sdl).getType("UserErrorCode") as GraphQLEnumType;
    const named = kinds
      .getValues()
      .map(({ name }) => name)
      .sort();
    expect(Object.keys(codes.en).sort()).toEqual(named);
  });

  it("are the server's own in English", () => {
    const problem = { code: "INVALID", message: "a password has at least 8 characters" };
    expect(problemInWords(problem, "en")).toBe("A password has at least 8 characters.");
  });

  it("say as much in Spanish where that is known, and what the code says otherwise", () => {
    const known = { code: "INVALID", message: "a password has at least 8 characters" };
    expect(problemInWords(known, "es")).toBe("La contraseña debe tener al menos 8 caracteres.");
    const longer = { code: "INVALID", message: "this password would be guessed soon: take a longer one" };
    expect(problemInWords(longer, "es")).toContain("se adivinaría pronto");
    const unknown = { code: "EMAIL_TAKEN", message: "whatever" };
    expect(problemInWords(unknown, "es")).toBe("Alguien ya se registró con esta dirección.");
  });

  it("leave an unknown code the server's words", () => {
    expect(problemInWords({ code: "NEW", message: "something new" }, "es")).toBe("Something new.");
  });
});

describe("failures", () => {
  it("quote what a fault is known by", () => {
    const failure = { kind: "INTERNAL", message: "something went wrong on our side: quote ab12" } as const;
    expect(failureInWords(failure, "es")).toContain("ab12");
    expect(failureInWords({ kind: "UNREACHABLE", message: "x" }, "en")).not.toContain("x.");
  });
});
