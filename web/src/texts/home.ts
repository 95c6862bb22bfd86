/** What the start says: what this is, how the classifier works, and the model in service. */

import { texts } from "./texts";

export const home = texts({
  en: {
    title: "COVID-19 findings on chest X-rays",
    lead: "Upload a chest X-ray, hear what the classifier finds in it, and add the ground truth when you know it. The classifier learns from that. A new version goes into service only when a comparison finds it no worse, within stated margins.",
    examine: "Examine images",
    start: "Sign up",
    api: "Read the API’s documentation",
    steps: "First steps",
    step1: "Sign up with your e-mail address, and confirm it by the link that comes.",
    step2: "Drag chest X-rays into Examine, one or a hundred: PNG, JPEG, WebP, TIFF, BMP or DICOM.",
    step3: "Findings appear as they are made. Label the images whose truth you know, by RT-PCR or otherwise.",
    programs: "Programs do the same through the GraphQL API:",
    how: "How the classifier works",
    howLead:
      "VGG16, a convolutional network trained on the photographs of ImageNet, turns the X-ray into features: edges first, then textures, then shapes. A small head, trained on X-rays alone, turns these into the probability of COVID. Heads A, B and C do so in the paper’s way, which is drawn here. Head D, in service by default, sees only the chest, cut out and made alike in size and contrast, takes 7,680 features after the fourth block and weighs them by logistic regression. Retraining changes only the head. It learns from features that were kept at upload, in a process of its own, and serving goes on meanwhile.",
    countsTitle: "Your ground truth counts",
    counts:
      "Say what the RT-PCR or the radiologist found. Every label is kept with its evidence, and tells which models learned from it.",
    judgedTitle: "A new model is judged first",
    judged:
      "It is compared with the one in service on images that are kept out of all training, and may not do worse by more than a stated margin. The verdict is kept, and an administrator can go back.",
    yoursTitle: "Your images stay yours",
    yours:
      "You and the administrators see them, and nobody else. Deleting one removes its pixels and its features; what a model has learned from it stays.",
    vgg: {
      title:
        "An X-ray of 224 by 224 pixels passes five blocks of 2, 2, 3, 3 and 3 convolutions with 64, 128, 256, 512 and 512 maps; 7 by 7 by 512 features come out.",
      caption:
        "VGG16 in the paper: five blocks of convolutions, each half as wide and high as the one before",
      image: "X-ray",
      features: "Features",
    },
    perceptron: {
      title: "25,088 features lead to a layer of 200 neurons, then 64, then two outputs: COVID and no COVID.",
      caption: "The paper’s perceptron: 25,088 features to two outputs",
      features: "Features",
      dense: "Dense",
      output: "Output",
      negative: "no COVID",
    },
    model: {
      heading: "The model in service",
      what: "the model",
      of: (number: number, backbone: string, head: string, images: string) =>
        `Model ${number}: ${backbone} with head ${head}, trained on ${images} images, made on`,
      atHome: "At the hospitals that taught it",
      sensitivity: "Sensitivity",
      sensitivityHint: "of those with COVID, found",
      specificity: "Specificity",
      specificityHint: "of those without, cleared",
      aucHint: "area under the ROC curve",
      intervals: (positives: string, negatives: string) =>
        `With 95 % intervals, on ${positives} images with and ${negatives} without COVID, of patients whom the model had not seen.`,
      card: "Its model card",
      cardHolds: "data, method, audit and limits",
      cardLanguage: "in English",
    },
    estimate: (value: string, low: string, high: string) => `${value} (${low} to ${high})`,
    elsewhere: {
      heading: "At a hospital that it has not seen",
      warning: "The figures above do not carry over to other hospitals.",
      shown: "When such a model was shown a site that had not taught it, it reached:",
      unknown: "What this model reaches elsewhere is not known.",
      site: (taught: string, shown: string, positives: string, negatives: string) =>
        `taught by ${taught}, shown ${shown} (${positives} images with and ${negatives} without COVID)`,
    },
    newsHeading: "News",
    allNews: "All news",
  },
  es: {
    title: "Hallazgos de COVID-19 en radiografías de tórax",
    lead: "Suba una radiografía de tórax, vea qué encuentra en ella el clasificador y agregue la verdad confirmada cuando la conozca. El clasificador aprende de eso. Una versión nueva entra en servicio solo cuando una comparación muestra que no es peor, dentro de márgenes fijados.",
    examine: "Examinar imágenes",
    start: "Registrarse",
    api: "Leer la documentación de la API",
    steps: "Primeros pasos",
    step1: "Regístrese con su dirección de correo y confírmela con el enlace que recibirá.",
    step2: "Arrastre radiografías de tórax a Examinar, una o cien: PNG, JPEG, WebP, TIFF, BMP o DICOM.",
    step3:
      "Los hallazgos aparecen a medida que se hacen. Etiquete las imágenes cuya verdad conoce, por RT-PCR o de otro modo.",
    programs: "Los programas hacen lo mismo por la API de GraphQL:",
    how: "Cómo funciona el clasificador",
    howLead:
      "VGG16, una red convolucional entrenada con las fotografías de ImageNet, convierte la radiografía en características: primero bordes, luego texturas, luego formas. Una cabeza pequeña, entrenada solo con radiografías, las convierte en la probabilidad de COVID. Las cabezas A, B y C lo hacen como en el artículo, y así está dibujado aquí. La cabeza D, en servicio si no se elige otra, ve solo el tórax, recortado e igualado en tamaño y contraste, toma 7.680 características tras el cuarto bloque y las pondera por regresión logística. El reentrenamiento cambia solo la cabeza. Aprende de características guardadas al subir las imágenes, en un proceso propio, y mientras tanto el servicio continúa.",
    countsTitle: "Su verdad confirmada cuenta",
    counts:
      "Diga qué encontró la RT-PCR o el radiólogo. Cada etiqueta se guarda con su evidencia, e indica qué modelos aprendieron de ella.",
    judgedTitle: "Un modelo nuevo se juzga primero",
    judged:
      "Se compara con el que está en servicio sobre imágenes que ningún entrenamiento usa, y no puede ser peor por más que un margen fijado. El veredicto se guarda, y un administrador puede volver atrás.",
    yoursTitle: "Sus imágenes siguen siendo suyas",
    yours:
      "Las ven usted y los administradores, y nadie más. Al borrar una se eliminan sus píxeles y sus características; lo que un modelo aprendió de ella queda.",
    vgg: {
      title:
        "Una radiografía de 224 por 224 píxeles pasa por cinco bloques de 2, 2, 3, 3 y 3 convoluciones con 64, 128, 256, 512 y 512 mapas; salen 7 por 7 por 512 características.",
      caption:
        "VGG16 en el artículo: cinco bloques de convoluciones, cada uno la mitad de ancho y alto que el anterior",
      image: "Rayos X",
      features: "Caract.",
    },
    perceptron: {
      title:
        "25.088 características llevan a una capa de 200 neuronas, luego a 64, luego a dos salidas: COVID y sin COVID.",
      caption: "El perceptrón del artículo: de 25.088 características a dos salidas",
      features: "Caract.",
      dense: "Densa",
      output: "Salida",
      negative: "sin COVID",
    },
    model: {
      heading: "El modelo en servicio",
      what: "el modelo",
      of: (number: number, backbone: string, head: string, images: string) =>
        `Modelo ${number}: ${backbone} con la cabeza ${head}, entrenado con ${images} imágenes, hecho el`,
      atHome: "En los hospitales que le enseñaron",
      sensitivity: "Sensibilidad",
      sensitivityHint: "de quienes tienen COVID, hallados",
      specificity: "Especificidad",
      specificityHint: "de quienes no, descartados",
      aucHint: "área bajo la curva ROC",
      intervals: (positives: string, negatives: string) =>
        `Con intervalos del 95 %, sobre ${positives} imágenes con COVID y ${negatives} sin COVID, de pacientes que el modelo no había visto.`,
      card: "Su ficha de modelo",
      cardHolds: "datos, método, auditoría y límites",
      cardLanguage: "en inglés",
    },
    estimate: (value: string, low: string, high: string) => `${value} (de ${low} a ${high})`,
    elsewhere: {
      heading: "En un hospital que no ha visto",
      warning: "Las cifras de arriba no valen para otros hospitales.",
      shown: "Cuando se mostró a un modelo así un sitio que no le había enseñado, alcanzó:",
      unknown: "No se sabe qué alcanza este modelo en otros lugares.",
      site: (taught: string, shown: string, positives: string, negatives: string) =>
        `enseñado por ${taught}, con imágenes de ${shown} (${positives} con COVID y ${negatives} sin COVID)`,
    },
    newsHeading: "Noticias",
    allNews: "Todas las noticias",
  },
});
