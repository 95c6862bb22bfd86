/** The news editor, and the messages of the contact form. */

import { texts } from "./texts";

export const newsroom = texts({
  en: {
    write: "Write a post",
    change: (title: string) => `Change “${title}”`,
    title: "Headline",
    titleHint: "Plain text, at most 200 characters.",
    body: "Text",
    bodyHint: "Markdown, at most 50,000 characters.",
    preview: "Preview",
    previewEmpty: "What you write appears here as readers will see it.",
    publish: "Publish",
    publishHint: "It is shown to everyone at once.",
    published: "The post is published.",
    saved: "The change is saved.",
    unchanged: "There is nothing to change.",
    posts: "Published posts",
    none: "No post yet.",
    edit: "Change",
    delete: "Delete",
    of: (action: string, title: string) => `${action}: ${title}`,
    deleteLead: "It is gone for everyone, without a way back.",
    deleted: "The post is deleted.",
  },
  es: {
    write: "Escribir una noticia",
    change: (title: string) => `Cambiar «${title}»`,
    title: "Título",
    titleHint: "Texto simple, hasta 200 caracteres.",
    body: "Texto",
    bodyHint: "Markdown, hasta 50.000 caracteres.",
    preview: "Vista previa",
    previewEmpty: "Lo que escriba aparece aquí como lo verán los lectores.",
    publish: "Publicar",
    publishHint: "Todos la verán de inmediato.",
    published: "La noticia quedó publicada.",
    saved: "El cambio quedó guardado.",
    unchanged: "No hay nada que cambiar.",
    posts: "Noticias publicadas",
    none: "Todavía no hay noticias.",
    edit: "Cambiar",
    delete: "Borrar",
    of: (action: string, title: string) => `${action}: ${title}`,
    deleteLead: "Desaparece para todos, sin vuelta atrás.",
    deleted: "La noticia quedó borrada.",
  },
});

export const messages = texts({
  en: {
    what: "the messages",
    none: "Nobody has written yet.",
    from: (name: string) => `From ${name}`,
    answer: "Answer by mail",
    delivered: "also sent to the administrators by mail",
    waiting: "the mail to the administrators has not gone out yet",
  },
  es: {
    what: "los mensajes",
    none: "Todavía no escribió nadie.",
    from: (name: string) => `De ${name}`,
    answer: "Responder por correo",
    delivered: "también se envió a los administradores por correo",
    waiting: "el correo a los administradores todavía no salió",
  },
});
