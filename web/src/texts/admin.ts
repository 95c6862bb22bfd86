/** What all pages of the administration say. */

import { texts } from "./texts";

export const admin = texts({
  en: {
    sections: {
      retraining: {
        name: "Retraining",
        about: "New labels, the run under way and those before it, and when runs start by themselves.",
      },
      models: {
        name: "Models",
        about: "All versions with their figures; which one serves, and putting another one in service.",
      },
      drift: {
        name: "Drift",
        about: "Whether the images that come in differ from those that judged the model in service.",
      },
      users: {
        name: "Users",
        about: "Who has an account, with what role; blocking, and withdrawing labels.",
      },
      conflicts: {
        name: "Label conflicts",
        about: "Images on which people contradict one another, until somebody settles it.",
      },
      news: { name: "News editor", about: "Writing, changing and deleting posts." },
      messages: { name: "Messages", about: "What came through the contact form." },
      trail: {
        name: "Audit trail",
        about: "Who did what when: sign-ins, roles, labels, retrainings, promotions and deletions.",
      },
    },
    notForYou: {
      title: "For administrators",
      why: "This page is for those who look after the platform. Your account is not one of theirs.",
      ask: "Write to the administrators",
    },
    earlier: "Earlier",
    later: "Later",
    pages: "Pages of the list",
    reason: "Reason",
    reasonHint: "Kept in the history; at most 500 characters.",
    interval: (low: string, high: string) => `${low} to ${high}`,
    never: "–",
    model: (number: string) => `Model ${number}`,
  },
  es: {
    sections: {
      retraining: {
        name: "Reentrenamiento",
        about:
          "Las etiquetas nuevas, el entrenamiento en curso y los anteriores, y cuándo empiezan por sí solos.",
      },
      models: {
        name: "Modelos",
        about: "Todas las versiones con sus cifras; cuál está en servicio, y poner otra en su lugar.",
      },
      drift: {
        name: "Deriva",
        about: "Si las imágenes que llegan difieren de las que juzgaron al modelo en servicio.",
      },
      users: {
        name: "Usuarios",
        about: "Quién tiene una cuenta y con qué rol; bloquear, y retirar etiquetas.",
      },
      conflicts: {
        name: "Etiquetas en conflicto",
        about: "Imágenes sobre las que las personas se contradicen, hasta que alguien lo resuelva.",
      },
      news: { name: "Editor de noticias", about: "Escribir, cambiar y borrar noticias." },
      messages: { name: "Mensajes", about: "Lo que llegó por el formulario de contacto." },
      trail: {
        name: "Registro de auditoría",
        about: "Quién hizo qué y cuándo: sesiones, roles, etiquetas, reentrenamientos, modelos y borrados.",
      },
    },
    notForYou: {
      title: "Para administradores",
      why: "Esta página es para quienes cuidan la plataforma. Su cuenta no es una de ellas.",
      ask: "Escribir a los administradores",
    },
    earlier: "Anteriores",
    later: "Posteriores",
    pages: "Páginas de la lista",
    reason: "Motivo",
    reasonHint: "Queda en el historial; hasta 500 caracteres.",
    interval: (low: string, high: string) => `de ${low} a ${high}`,
    never: "–",
    model: (number: string) => `Modelo ${number}`,
  },
});
