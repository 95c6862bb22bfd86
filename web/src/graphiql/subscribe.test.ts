import { describe, expect, it } from "vitest";
import { connectionParams, inWords } from "./subscribe";

describe("connectionParams", () => {
  it("names the token as the server reads it", () => {
    expect(connectionParams({ Authorization: "Bearer t" })).toEqual({ authorization: "Bearer t" });
  });
});

describe("inWords", () => {
  it("says how the socket was closed", () => {
    expect(inWords({ code: 4401, reason: "Unauthorized" })).toEqual({
      message: "The server closed the socket: 4401 Unauthorized",
    });
  });

  it("leaves the server's errors as they are", () => {
    const errors = [{ message: "not allowed" }];
    expect(inWords(errors)).toBe(errors);
  });

  it("has words for a socket that never opened", () => {
    expect(inWords({})).toEqual({ message: "There is no connection" });
  });

  it("spares the reader a stack", () => {
    expect(inWords(new Error("The server cannot be reached"))).toEqual({
      message: "The server cannot be reached",
    });
  });
});
