/** What images show, in words. */

import { texts } from "./texts";

export const findings = texts({
  en: {
    COVID: "COVID",
    NO_COVID: "No COVID",
    none: "No finding",
    pending: "Being examined …",
    failed: "Could not be examined",
    unlabelled: "Not labelled",
    conflict: "Labels contradict one another",
    abstained: {
      NOT_A_CHEST_XRAY: "not a frontal chest X-ray",
      OUT_OF_DISTRIBUTION: "unlike what the model knows",
      UNCERTAIN: "too near the threshold",
    },
    abstainedLong: {
      NOT_A_CHEST_XRAY: "The picture does not look like a frontal chest X-ray.",
      OUT_OF_DISTRIBUTION: "The picture is unlike all that the model has learned from.",
      UNCERTAIN: "The probability lies too near the threshold to say.",
    },
    view: {
      FRONTAL: "Frontal film",
      LATERAL: "It seems to be taken from the side: upload a frontal film.",
      TILTED: "It lies askew: straighten it and upload it again.",
      TURNED_90: "It is turned by 90 degrees clockwise: turn it upright and upload it again.",
      TURNED_180: "It is upside down: turn it upright and upload it again.",
      TURNED_270: "It is turned by 90 degrees counter-clockwise: turn it upright and upload it again.",
    },
    evidence: {
      RT_PCR: "RT-PCR",
      CT: "CT of the chest",
      ANTIGEN: "Antigen test",
      RADIOLOGIST: "Radiologist’s reading",
      CLINICAL: "Symptoms and course",
      UNSTATED: "Not stated",
    },
    probability: "Probability of COVID",
    probabilityIs: (value: string) => `Probability of COVID: ${value}`,
    band: (low: string, high: string) => `From ${low} to ${high} the model gives no finding.`,
    threshold: (value: string) => `From ${value} on, the finding is COVID.`,
  },
  es: {
    COVID: "COVID",
    NO_COVID: "Sin COVID",
    none: "Sin hallazgo",
    pending: "En examen …",
    failed: "No se pudo examinar",
    unlabelled: "Sin etiqueta",
    conflict: "Las etiquetas se contradicen",
    abstained: {
      NOT_A_CHEST_XRAY: "no es una radiografía de tórax de frente",
      OUT_OF_DISTRIBUTION: "distinta de lo que el modelo conoce",
      UNCERTAIN: "demasiado cerca del umbral",
    },
    abstainedLong: {
      NOT_A_CHEST_XRAY: "La imagen no parece una radiografía de tórax de frente.",
      OUT_OF_DISTRIBUTION: "La imagen no se parece a nada de lo que el modelo aprendió.",
      UNCERTAIN: "La probabilidad está demasiado cerca del umbral para decidir.",
    },
    view: {
      FRONTAL: "Placa de frente",
      LATERAL: "Parece tomada de costado: suba una placa de frente.",
      TILTED: "Está torcida: enderécela y súbala de nuevo.",
      TURNED_90: "Está girada 90 grados a la derecha: póngala derecha y súbala de nuevo.",
      TURNED_180: "Está cabeza abajo: póngala derecha y súbala de nuevo.",
      TURNED_270: "Está girada 90 grados a la izquierda: póngala derecha y súbala de nuevo.",
    },
    evidence: {
      RT_PCR: "RT-PCR",
      CT: "TC de tórax",
      ANTIGEN: "Prueba de antígeno",
      RADIOLOGIST: "Lectura de un radiólogo",
      CLINICAL: "Síntomas y evolución",
      UNSTATED: "No indicada",
    },
    probability: "Probabilidad de COVID",
    probabilityIs: (value: string) => `Probabilidad de COVID: ${value}`,
    band: (low: string, high: string) => `De ${low} a ${high} el modelo no da hallazgo.`,
    threshold: (value: string) => `Desde ${value}, el hallazgo es COVID.`,
  },
});
