/** What the server says of runs, models and drift: in English, in few forms, which are put into Spanish here. */

import type { Language } from "./language";

/** The forms that a text is made of, each a sentence or a part of one. */
const SPANISH: [RegExp, string][] = [
  // What the next run waits for.
  [
    /There are (\d+) new labels, and (\d+) start a run\./,
    "Etiquetas nuevas: $1; con $2 empieza un entrenamiento.",
  ],
  [
    /There are (\d+) new labels of COVID and (\d+) of no COVID, and a run needs (\d+) of each\./,
    "Hay $1 etiquetas nuevas de COVID y $2 de sin COVID, y un entrenamiento necesita $3 de cada una.",
  ],
  [
    /The last run failed: the next begins with a new label, or when an administrator asks for it\./,
    "El último entrenamiento falló: el próximo empieza con una etiqueta nueva, o cuando un administrador lo pida.",
  ],
  [
    /The last run was cancelled: the next begins with a new label, or when an administrator asks for it\./,
    "El último entrenamiento se canceló: el próximo empieza con una etiqueta nueva, o cuando un administrador lo pida.",
  ],
  [
    /Between automatic runs there are at least (\d+) minutes: the next begins at ([\d-]+ [\d:]+) UTC or soon after\./,
    "Entre entrenamientos automáticos pasan al menos $1 minutos: el próximo empieza el $2 UTC o poco después.",
  ],
  // Where a run stands.
  [/It waits for a trainer\./, "Espera a un entrenador."],
  [
    /It gathers labels and features, and waits for those of images that came in a moment ago\./,
    "Reúne etiquetas y características, y espera las de las imágenes que acaban de llegar.",
  ],
  [/It learns: its first epoch is under way\./, "Aprende: su primera época está en curso."],
  [/It learns: epoch (\d+) of (\d+) is done\./, "Aprende: terminó la época $1 de $2."],
  [
    /Its model is compared with the one in service on patients that taught neither\./,
    "Su modelo se compara con el que está en servicio, sobre pacientes que no enseñaron a ninguno.",
  ],
  [/Its model went into service\./, "Su modelo entró en servicio."],
  [
    /Its model was judged worse than the one in service\./,
    "Su modelo fue juzgado peor que el que está en servicio.",
  ],
  [
    /Its model passed on too small a holdout: an administrator has to confirm\./,
    "Su modelo pasó con muy pocos pacientes para juzgar: un administrador debe confirmarlo.",
  ],
  [/It failed\./, "Falló."],
  [/It was cancelled\./, "Se canceló."],
  [/cancelled by (.+)$/, "cancelado por $1"],
  [/No labelled image is left out\./, "Ninguna imagen etiquetada queda fuera."],
  [/(\d+) labelled images? (?:is|are) left out:/, "Imágenes etiquetadas que quedan fuera: $1:"],
  [/(\d+) kept to judge models/, "$1 para juzgar modelos"],
  [/(\d+) with labels that contradict one another/, "$1 con etiquetas en conflicto"],
  [/(\d+) beyond the share of one user/, "$1 por encima de la parte de un usuario"],
  [/(\d+) with withdrawn labels alone/, "$1 solo con etiquetas retiradas"],
  [/(\d+) without features that can be read/, "$1 sin características legibles"],
  [
    /^The default model, in service from the first start\.$/,
    "El modelo inicial, en servicio desde el primer inicio.",
  ],
  // What the audit changes in a picture.
  [/^as they are$/, "tal como son"],
  [/^only the chest shown$/, "solo el tórax a la vista"],
  [/^only the lung fields shown$/, "solo los campos pulmonares a la vista"],
  [/^only the border shown$/, "solo el borde a la vista"],
  [/^all but the lung fields blurred$/, "todo desenfocado menos los campos pulmonares"],
  [/^the lung fields blurred$/, "los campos pulmonares desenfocados"],
  [/^JPEG of quality (\d+)$/, "JPEG de calidad $1"],
  [/^half the size$/, "a la mitad del tamaño"],
  [/^gamma (?=[\d.]+$)/, "gama "],
  [/^blurred$/, "desenfocadas"],
  [/^letters burnt in$/, "con letras grabadas"],
  [/^black borders added$/, "con bordes negros"],
  // The gate's verdict.
  [/^Promoted:/, "Promovido:"],
  [/^Awaiting confirmation:/, "Espera confirmación:"],
  [/^Rejected:/, "Rechazado:"],
  [/sensitivity (?=[\d.]+ against)/g, "sensibilidad "],
  [/specificity (?=[\d.]+ against)/g, "especificidad "],
  [/AUC at home (?=[\d.]+ against)/g, "AUC en casa "],
  [
    / against ([\d.]+) \(difference ([+-][\d.]+), 95 % interval ([+-][\d.]+) to ([+-][\d.]+)\)/g,
    " frente a $1 (diferencia $2, intervalo del 95 % de $3 a $4)",
  ],
  [/, within the margin of/g, ", dentro del margen de"],
  [/, beyond the margin of/g, ", más allá del margen de"],
  [
    /, and not by chance: (\d+) images won and (\d+) lost, McNemar's exact p (\S+?)(?=[;.](?:\s|$))/g,
    ", y no por azar: $1 imágenes ganadas y $2 perdidas, p exacta de McNemar $3",
  ],
  [
    /The holdout is too small to decide by itself: it has (\d+) (.+?) \(of (\d+) needed\) and (\d+) (.+?) \(of (\d+) needed\)\./,
    "Los pacientes que juzgan son muy pocos para decidir solos: $1 (hacen falta $3) de “$2” y $4 (hacen falta $6) de “$5”.",
  ],
  [
    /Patients at home are too few to exclude a loss beyond the margin there\./,
    "Los pacientes de casa son muy pocos para excluir allí una pérdida más allá del margen.",
  ],
  [
    /An administrator has to confirm, by promoting it with a reason\./,
    "Un administrador debe confirmarlo, promoviéndolo con un motivo.",
  ],
];

const THOUSANDS_OR_POINT = /(\d)([.,])(\d)/g;

export function told(message: string, language: Language): { words: string; language: Language } {
  if (language === "en") return { words: message, language };
  const words = SPANISH.reduce((said, [pattern, spanish]) => said.replace(pattern, spanish), message);
  if (words === message) return { words, language: "en" };
  return {
    words: words.replace(THOUSANDS_OR_POINT, (_, a, mark, b) => `${a}${mark === "." ? "," : "."}${b}`),
    language,
  };
}
