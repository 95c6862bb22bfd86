import { describe, expect, it } from "vitest";
import { told } from "./told";

const VERDICT =
  "Awaiting confirmation: sensitivity 0.912 against 0.905 (difference +0.007, 95 % interval -0.012 to +0.031), " +
  "within the margin of 0.050; specificity 0.950 against 0.990 (difference -0.040, 95 % interval -0.080 to -0.010), " +
  "beyond the margin of 0.050, and not by chance: 3 images won and 19 lost, McNemar's exact p 0.00086; " +
  "AUC 0.970 against 0.968 (difference +0.002, 95 % interval -0.004 to +0.008), within the margin of 0.020. " +
  "The holdout is too small to decide by itself: it has 14 with COVID (of 100 needed) and 30 without (of 100 needed). " +
  "An administrator has to confirm, by promoting it with a reason. 3 labelled images are left out: " +
  "2 kept to judge models, 1 with labels that contradict one another.";

const ENGLISH = /\b(the|of|and|against|within|are|has|labels|images)\b/;

describe("what the server tells", () => {
  it("is in Spanish what it is in English", () => {
    expect(told("There are 3 new labels, and 50 start a run.", "es")).toEqual({
      words: "Etiquetas nuevas: 3; con 50 empieza un entrenamiento.",
      language: "es",
    });
  });

  it("has no English left, down to a verdict", () => {
    const { words, language } = told(VERDICT, "es");
    expect(language).toBe("es");
    expect(words).not.toMatch(ENGLISH);
    expect(words).toContain("sensibilidad 0,912 frente a 0,905");
    expect(words).toContain("Imágenes etiquetadas que quedan fuera: 3: 2 para juzgar modelos");
  });

  it("stays as it is in English, and where nobody has put it into Spanish", () => {
    expect(told(VERDICT, "en")).toEqual({ words: VERDICT, language: "en" });
    expect(told("The disk is full.", "es")).toEqual({ words: "The disk is full.", language: "en" });
  });
});
