/** The page of drift: whether the images that come in differ from those that judged the model in service. */

import { texts } from "./texts";

export const drift = texts({
  en: {
    what: "the drift",
    lead: (number: string) =>
      `The images of the last 30 days against those that judged model ${number}, which is in service. A difference is a reason to look, and proves no fault.`,
    warnings: "Warnings",
    noWarnings: "No warning stands.",
    since: (moment: string) => `since ${moment}`,
    heard: "There is a new warning of drift.",
    signals: "Now, and when the model was judged",
    signal: {
      ABSTENTIONS: "Images without a finding",
      PROBABILITY: "Mean probability of COVID",
      DISTANCE: "Mean distance from known chests",
      AGREEMENT: "Findings that labels confirm",
    },
    differs: "differs",
    same: "within the margin",
    tooFew: "too few to say",
    now: (value: string, images: string) => `Last 30 days: ${value} (${images} images)`,
    judged: (value: string) => `When judged: ${value}`,
    nothing: "none",
    difference: (value: string, low: string, high: string, margin: string) =>
      `Difference ${value}, 99 % interval ${low} to ${high}; the margin is ${margin}.`,
    needed: (images: string, needed: string) =>
      `There are ${images} images, and ${needed} are needed to compare.`,
    meaning: {
      ABSTENTIONS_MORE:
        "More pictures get no finding: perhaps of another device or of other patients, turned, lateral, or no chests at all.",
      ABSTENTIONS_LESS: "Perhaps the patients are easier to tell apart, or many films are of one kind.",
      PROBABILITY_MORE:
        "Perhaps more of the patients have COVID, which is no fault; or other films look like COVID to it. Labels tell which.",
      PROBABILITY_LESS:
        "Perhaps fewer of the patients have COVID, which is no fault; or it misses COVID on other films. Labels tell which.",
      DISTANCE_MORE:
        "The films look less like those that it learned from: perhaps of another device, with other settings, or of other patients, such as children.",
      DISTANCE_LESS:
        "The films look more alike than those that judged it: perhaps of few patients, or copies.",
      AGREEMENT_MORE: "Perhaps people looked at the finding before they labelled, or the images are easier.",
      AGREEMENT_LESS:
        "Perhaps it does worse here; or the labels are wrong, or of harder images, as those of the label queue are.",
    },
    intervalWords: (low: string, high: string, margin: string) =>
      `An interval from ${low} to ${high}, and a margin of ${margin} on both sides of zero.`,
    series: "Over time",
    step: "By",
    WEEK: "week",
    DAY: "day",
    chartWords: (signal: string, count: string) =>
      `${signal}, over ${count} periods; the table has the values.`,
    dashed: "The dashed line is what it was when the model was judged.",
    noSeries: "No images in this time.",
    table: "The values in a table",
    from: "From",
    images: "Images",
  },
  es: {
    what: "la deriva",
    lead: (number: string) =>
      `Las imágenes de los últimos 30 días frente a las que juzgaron al modelo ${number}, que está en servicio. Una diferencia es un motivo para mirar, y no prueba ninguna falla.`,
    warnings: "Avisos",
    noWarnings: "No hay ningún aviso.",
    since: (moment: string) => `desde el ${moment}`,
    heard: "Hay un nuevo aviso de deriva.",
    signals: "Ahora, y cuando se juzgó al modelo",
    signal: {
      ABSTENTIONS: "Imágenes sin hallazgo",
      PROBABILITY: "Probabilidad media de COVID",
      DISTANCE: "Distancia media a los tórax conocidos",
      AGREEMENT: "Hallazgos que las etiquetas confirman",
    },
    differs: "difiere",
    same: "dentro del margen",
    tooFew: "muy pocas para decirlo",
    now: (value: string, images: string) => `Últimos 30 días: ${value} (${images} imágenes)`,
    judged: (value: string) => `Cuando se juzgó: ${value}`,
    nothing: "ninguna",
    difference: (value: string, low: string, high: string, margin: string) =>
      `Diferencia ${value}, intervalo del 99 % de ${low} a ${high}; el margen es ${margin}.`,
    needed: (images: string, needed: string) =>
      `Hay ${images} imágenes, y hacen falta ${needed} para comparar.`,
    meaning: {
      ABSTENTIONS_MORE:
        "Más imágenes quedan sin hallazgo: quizá de otro equipo o de otros pacientes, giradas, de costado, o que no son tórax.",
      ABSTENTIONS_LESS:
        "Quizá los pacientes son más fáciles de distinguir, o muchas placas son de un mismo tipo.",
      PROBABILITY_MORE:
        "Quizá más pacientes tienen COVID, que no es una falla; u otras placas le parecen COVID. Las etiquetas dicen cuál.",
      PROBABILITY_LESS:
        "Quizá menos pacientes tienen COVID, que no es una falla; o no ve el COVID en otras placas. Las etiquetas dicen cuál.",
      DISTANCE_MORE:
        "Las placas se parecen menos a aquellas de las que aprendió: quizá de otro equipo, con otros ajustes, o de otros pacientes, como niños.",
      DISTANCE_LESS:
        "Las placas se parecen más entre sí que las que lo juzgaron: quizá de pocos pacientes, o copias.",
      AGREEMENT_MORE:
        "Quizá las personas miraron el hallazgo antes de etiquetar, o las imágenes son más fáciles.",
      AGREEMENT_LESS:
        "Quizá aquí acierta menos; o las etiquetas están mal, o son de imágenes más difíciles, como las de la cola de etiquetado.",
    },
    intervalWords: (low: string, high: string, margin: string) =>
      `Un intervalo de ${low} a ${high}, y un margen de ${margin} a ambos lados del cero.`,
    series: "En el tiempo",
    step: "Por",
    WEEK: "semana",
    DAY: "día",
    chartWords: (signal: string, count: string) =>
      `${signal}, en ${count} períodos; la tabla tiene los valores.`,
    dashed: "La línea de trazos es lo que era cuando se juzgó al modelo.",
    noSeries: "No hay imágenes en este tiempo.",
    table: "Los valores en una tabla",
    from: "Desde",
    images: "Imágenes",
  },
});
