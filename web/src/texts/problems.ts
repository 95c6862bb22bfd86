/** What stands in the way, in the reader's language: the server says it in English, with a code. */

import type { Failure } from "../graphql/failure";
import type { Language } from "./language";
import { sentence } from "./sentence";
import { texts } from "./texts";

export const failures = texts({
  en: {
    UNREACHABLE: "The server cannot be reached. Check the connection and try again.",
    UNAUTHENTICATED: "Your session has ended. Sign in again.",
    FORBIDDEN: "Your account may not do this.",
    SECOND_FACTOR_REQUIRED:
      "Administrators need a second factor here. Turn it on in your account, from the menu; then come back.",
    BAD_USER_INPUT: "The server could not make sense of this request.",
    RATE_LIMITED: "Too many requests at once. Wait a moment and try again.",
    INTERNAL: (told: string) => `Something went wrong on the server. ${told}`.trim(),
  },
  es: {
    UNREACHABLE: "No se puede llegar al servidor. Revise la conexión e inténtelo de nuevo.",
    UNAUTHENTICATED: "Su sesión ha terminado. Inicie sesión de nuevo.",
    FORBIDDEN: "Su cuenta no tiene permiso para hacer esto.",
    SECOND_FACTOR_REQUIRED:
      "Aquí los administradores necesitan un segundo factor. Actívelo en su cuenta, desde el menú, y vuelva.",
    BAD_USER_INPUT: "El servidor no pudo entender este pedido.",
    RATE_LIMITED: "Demasiados pedidos a la vez. Espere un momento e inténtelo de nuevo.",
    INTERNAL: (told: string) => `Algo falló en el servidor. ${told}`.trim(),
  },
});

/** By the code of a problem; used where the server's own words are not to be had in the language. */
export const codes = texts({
  en: {
    ALREADY_RUNNING: "A training run is queued or under way.",
    BAD_CREDENTIALS: "The address or the password is wrong.",
    BLOCKED: "An administrator has blocked this account. Write to us by the contact form.",
    CONFLICT: "Somebody else was faster, or the state of things does not allow it. Look again.",
    CORRUPT_IMAGE: "The file begins as an image and cannot be read to its end.",
    EMAIL_NOT_VERIFIED: "Confirm your address first: the link is in your mail.",
    EMAIL_TAKEN: "Somebody has signed up with this address.",
    INVALID: "This does not have the form or range that is asked for.",
    NOT_ENOUGH_LABELS: "There are too few new labels to learn from.",
    NOT_FOUND: "There is no such thing, or none that you may see.",
    RATE_LIMITED: "Too many attempts. Try again later.",
    REQUIRED: "This is needed.",
    SECOND_FACTOR_REQUIRED: "Give the code of your authenticator app, too.",
    TOKEN_EXPIRED: "This link is not whole, has expired or was used already.",
    TOO_LARGE: "This is longer or larger than what is taken.",
    UNAVAILABLE: "Something does not work on the server now. Try again later.",
    UNSUPPORTED_FORMAT: "The file is not an image of a kind that is read here.",
  },
  es: {
    ALREADY_RUNNING: "Hay un entrenamiento en espera o en curso.",
    BAD_CREDENTIALS: "La dirección o la contraseña no es correcta.",
    BLOCKED: "Un administrador bloqueó esta cuenta. Escríbanos por el formulario de contacto.",
    CONFLICT: "Alguien se adelantó, o el estado actual no lo permite. Vuelva a mirar.",
    CORRUPT_IMAGE: "El archivo empieza como una imagen, pero no se puede leer hasta el final.",
    EMAIL_NOT_VERIFIED: "Primero confirme su dirección: el enlace está en su correo.",
    EMAIL_TAKEN: "Alguien ya se registró con esta dirección.",
    INVALID: "Esto no tiene la forma o el rango que se pide.",
    NOT_ENOUGH_LABELS: "Hay muy pocas etiquetas nuevas para aprender de ellas.",
    NOT_FOUND: "No existe, o usted no lo puede ver.",
    RATE_LIMITED: "Demasiados intentos. Inténtelo más tarde.",
    REQUIRED: "Este dato es necesario.",
    SECOND_FACTOR_REQUIRED: "Indique también el código de su aplicación.",
    TOKEN_EXPIRED: "Este enlace venció o ya fue usado.",
    TOO_LARGE: "Es más largo o más grande que lo que se admite.",
    UNAVAILABLE: "Algo no funciona ahora en el servidor. Inténtelo más tarde.",
    UNSUPPORTED_FORMAT: "El archivo no es una imagen de un tipo que se lea aquí.",
  },
});

/** The server's messages that say more than their code, as patterns, in Spanish. */
const SPANISH: [RegExp, string][] = [
  [/^a password has at least (\d+) characters$/, "La contraseña debe tener al menos $1 caracteres."],
  [/^a password has at most (\d+) characters$/, "La contraseña puede tener hasta $1 caracteres."],
  [
    /^this password would be guessed soon.*$/,
    "Esta contraseña se adivinaría pronto: elija una más larga, o varias palabras, sin su nombre, su dirección ni el nombre de la plataforma.",
  ],
  [/^the code is wrong, or was used already$/, "El código no es correcto, o ya fue usado."],
  [/^there is a second factor already/, "Ya hay un segundo factor: primero desactívelo."],
  [/^there is no second factor/, "No hay ningún segundo factor."],
  [
    /^the address or the password is wrong, or the address is not confirmed.*$/,
    "La dirección o la contraseña no es correcta, o la dirección todavía no está confirmada: el enlace está en su correo.",
  ],
  [/^the password is wrong$/, "La contraseña no es correcta."],
  [/^this is the address of your account already$/, "Esta ya es la dirección de su cuenta."],
  [/^this is the last administrator/, "Es el último administrador: nombre antes a otro."],
  [/^a name is needed$/, "Hace falta un nombre."],
  [/^a name has at most (\d+) characters$/, "El nombre puede tener hasta $1 caracteres."],
  [/^the (?:subject|title) has at most (\d+) characters$/, "El título puede tener hasta $1 caracteres."],
  [/^the (?:body) has at most (\d+) characters$/, "El texto puede tener hasta $1 caracteres."],
  [/^a patient reference has at most (\d+) characters$/, "La referencia puede tener hasta $1 caracteres."],
  [/^a filename has at most (\d+) characters$/, "El nombre puede tener hasta $1 caracteres."],
  [/^The file is larger than (\d+) MB\.$/, "El archivo pesa más de $1 MB."],
  [
    /^The picture has (.+); a side must have at least (\d+)\.$/,
    "La imagen mide $1; cada lado debe tener al menos $2.",
  ],
  [/^The picture has (.+); at most (.+) are taken\.$/, "La imagen mide $1; se admiten hasta $2."],
  [
    /^The DICOM file says that its pixels tell who the patient is.*$/,
    "El archivo DICOM dice que sus píxeles identifican al paciente: quite ese texto de la imagen.",
  ],
  [
    /^The DICOM file is .*$/,
    "El archivo DICOM no es una radiografía de tórax de frente (CR, DX), que es lo que se admite.",
  ],
  [
    /^there is no room on the platform's disk, so this file was not taken;.*$/,
    "No hay espacio en el disco de la plataforma, así que este archivo no se guardó. Envíelo de nuevo cuando quien la administra haya hecho lugar.",
  ],
  [
    /^the platform's storage can only be read now, so this file was not taken;.*$/,
    "La plataforma no puede guardar nada ahora, así que este archivo no se guardó. Envíelo de nuevo cuando quien la administra lo haya arreglado.",
  ],
  [/^there is no such image$/, "Esa imagen ya no existe."],
];

function inSpanish(message: string): string | null {
  const found = SPANISH.find(([pattern]) => pattern.test(message));
  return found ? message.replace(found[0], found[1]) : null;
}

/** A problem in a sentence. */
export function problemInWords(problem: { code: string; message: string }, language: Language): string {
  if (language === "en") return sentence(problem.message);
  const known = codes[language] as Record<string, string>;
  return inSpanish(problem.message) ?? known[problem.code] ?? sentence(problem.message);
}

/** A failure in a sentence or two. */
export function failureInWords(failure: Failure, language: Language): string {
  const words = failures[language][failure.kind];
  return typeof words === "function" ? words(sentence(failure.message)) : words;
}
