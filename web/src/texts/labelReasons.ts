/** Why an image is where it is in the label queue: the server says it in English, in few forms. */

import type { Language } from "./language";

const SPANISH: [RegExp, string][] = [
  [
    /^Its label judges the next model.*$/,
    "Su etiqueta juzga al próximo modelo y no enseña a ninguno: por eso se eligió al azar, diga lo que diga de ella el modelo.",
  ],
  [
    /^The model is undecided \(probability ([\d.]+), ([\d.]+) from its threshold\)/,
    "El modelo está indeciso (probabilidad $1, a $2 de su umbral)",
  ],
  [
    /^The model is rather sure \(probability ([\d.]+), ([\d.]+) from its threshold\)/,
    "El modelo está bastante seguro (probabilidad $1, a $2 de su umbral)",
  ],
  [
    /, though an image that is labelled or further ahead here is like it\.$/,
    ", aunque una imagen ya etiquetada o anterior aquí se le parece.",
  ],
  [
    /, and no image that is labelled or further ahead here is like it\.$/,
    ", y ninguna imagen ya etiquetada o anterior aquí se le parece.",
  ],
];

export function labelReasonInWords(reason: string, language: Language): string {
  if (language === "en") return reason;
  return SPANISH.reduce((told, [pattern, words]) => told.replace(pattern, words), reason);
}
