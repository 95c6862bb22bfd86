/** The contact form. */

import { texts } from "./texts";

export const contact = texts({
  en: {
    title: "Contact",
    lead: "Write to the administrators: questions, a problem with your account, or something that is wrong here. Send no names of patients and no images.",
    name: "Your name",
    email: "Your e-mail address",
    emailHint: "Where we can answer you.",
    subject: "Subject",
    body: "Message",
    action: "Send",
    sentTitle: "Thank you, your message is here",
    sent: (email: string) =>
      `It is kept, and goes to all administrators by mail. One of them will answer to ${email}. There is no automatic reply, so you need not wait for one.`,
    another: "Write another message",
  },
  es: {
    title: "Contacto",
    lead: "Escriba a los administradores: preguntas, un problema con su cuenta o algo que aquí esté mal. No envíe nombres de pacientes ni imágenes.",
    name: "Su nombre",
    email: "Su dirección de correo",
    emailHint: "Donde podemos responderle.",
    subject: "Asunto",
    body: "Mensaje",
    action: "Enviar",
    sentTitle: "Gracias, su mensaje llegó",
    sent: (email: string) =>
      `Queda guardado y va por correo a todos los administradores. Uno de ellos responderá a ${email}. No hay respuesta automática, así que no hace falta esperarla.`,
    another: "Escribir otro mensaje",
  },
});
