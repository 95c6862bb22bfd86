/** News, and the page that is not there. */

import { texts } from "./texts";

export const news = texts({
  en: {
    title: "News",
    what: "the news",
    whatPost: "the post",
    none: "No news yet.",
    older: "Older news",
    back: "All news",
    published: (title: string) => `New: ${title}`,
    gone: "This post is not there any more.",
    nobody: "by somebody whose account is deleted",
    missing: "There is no such page",
    toStart: "Back to the start",
  },
  es: {
    title: "Noticias",
    what: "las noticias",
    whatPost: "la noticia",
    none: "Todavía no hay noticias.",
    older: "Noticias anteriores",
    back: "Todas las noticias",
    published: (title: string) => `Novedad: ${title}`,
    gone: "Esta noticia ya no está.",
    nobody: "de alguien cuya cuenta está borrada",
    missing: "No hay tal página",
    toStart: "Volver al inicio",
  },
});
