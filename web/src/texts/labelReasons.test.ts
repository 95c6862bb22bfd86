import { describe, expect, it } from "vitest";
import judging from "../../../services/judging_queue.py?raw";
import teaching from "../../../services/teaching_queue.py?raw";
import { labelReasonInWords } from "./labelReasons";

describe("why an image is in the queue", () => {
  it("is told in Spanish whole", () => {
    const model = "The model is undecided (probability 0.41, 0.03 from its threshold)";
    expect(labelReasonInWords(`${model}.`, "es")).toBe(
      "El modelo está indeciso (probabilidad 0.41, a 0.03 de su umbral).",
    );
    expect(
      labelReasonInWords(`${model}, and no image that is labelled or further ahead here is like it.`, "es"),
    ).not.toMatch(/image that/);
  });

  it("is in English what the server says", () => {
    expect(labelReasonInWords("Whatever.", "en")).toBe("Whatever.");
  });

  it("knows the forms that the server has", () => {
    expect(judging).toContain("Its label judges the next model");
    for (const part of [
      "from its threshold)",
      "undecided",
      "rather sure",
      ", though an image that is labelled or further ahead here is like it.",
      ", and no image that is labelled or further ahead here is like it.",
    ])
      expect(teaching).toContain(part);
  });
});
