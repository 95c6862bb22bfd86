/** Signing up, in and out, and passwords. */

import { texts } from "./texts";

export const account = texts({
  en: {
    name: "Your name",
    nameHint: "As you want to be called here.",
    email: "E-mail address",
    password: "Password",
    newPassword: "New password",
    passwordHint:
      "At least 8 characters, of whatever kind: several words are easy to remember and hard to guess.",
    signUp: {
      title: "Sign up",
      lead: "With an account you upload images, see what the classifier finds in them, and label them. Only you and the administrators see your images.",
      action: "Make the account",
      haveOne: "You have an account?",
      sentTitle: "A mail is on its way",
      sent: (email: string) =>
        `Open the link in the mail to ${email} to confirm your address. It is good for 24 hours. Then you can sign in.`,
      notThere: "Not there after some minutes? Look among the unwanted mail. Signing in sends it again.",
      sentToWhoever: (email: string) =>
        `Open the link in the mail to ${email} to confirm your address. It is good for 24 hours. Then you can sign in. If there is an account with this address already, the mail says that instead.`,
      notThereEither:
        "Not there after some minutes? Look among the unwanted mail. Signing up again sends it again; the first password stays.",
    },
    signIn: {
      title: "Sign in",
      action: "Sign in",
      forgotten: "Forgotten your password?",
      noAccount: "No account yet?",
    },
    forgotten: {
      title: "Forgotten your password?",
      lead: "Give the address that you signed up with. We send it a link to choose a new password.",
      action: "Send the link",
      sentTitle: "Look into your mail",
      sent: (email: string) =>
        `If ${email} is known here, a link is on its way to it. It is good for one hour.`,
    },
    verify: {
      title: "Confirm your e-mail address",
      lead: "Then you can sign in and upload images.",
      action: "Confirm",
      done: (email: string) => `${email} is confirmed.`,
      newLink: "Is the link too old? One for a new password confirms the address, too.",
    },
    reset: {
      title: "Choose a new password",
      action: "Set the password",
      done: "Your new password is set. All sessions of your account have ended.",
      newLink: "Ask for a new link",
    },
    incomplete: "This address is incomplete: open the whole link of the mail.",
    ended: {
      title: "Your session has ended",
      why: "Sessions last 14 days at most, and end when nothing is done in them for a day, when the password or the address is changed, when you or somebody else signs in or out in another tab of this browser, when you end them elsewhere, or when an administrator blocks the account. Most browsers forget them when they are closed. What you have uploaded is safe. Sign in, and you come back to where you were.",
      again: "Sign in again",
    },
    needed: {
      title: "Sign in to go on",
      why: "This page shows images of patients, so it is for people with an account.",
    },
  },
  es: {
    name: "Su nombre",
    nameHint: "Como quiere que lo llamen aquí.",
    email: "Dirección de correo",
    password: "Contraseña",
    newPassword: "Nueva contraseña",
    passwordHint:
      "Al menos 8 caracteres, de cualquier tipo: varias palabras se recuerdan bien y se adivinan mal.",
    signUp: {
      title: "Registrarse",
      lead: "Con una cuenta puede subir imágenes, ver qué encuentra en ellas el clasificador y etiquetarlas. Solo usted y los administradores ven sus imágenes.",
      action: "Crear la cuenta",
      haveOne: "¿Ya tiene una cuenta?",
      sentTitle: "Un correo está en camino",
      sent: (email: string) =>
        `Abra el enlace del correo enviado a ${email} para confirmar su dirección. Sirve durante 24 horas. Luego podrá iniciar sesión.`,
      notThere:
        "¿No llegó en unos minutos? Busque en el correo no deseado. Al iniciar sesión se envía otra vez.",
      sentToWhoever: (email: string) =>
        `Abra el enlace del correo enviado a ${email} para confirmar su dirección. Sirve durante 24 horas. Luego podrá iniciar sesión. Si ya hay una cuenta con esa dirección, el correo lo dice y no trae enlace.`,
      notThereEither:
        "¿No llegó en unos minutos? Busque en el correo no deseado. Al registrarse otra vez se envía de nuevo; vale la primera contraseña.",
    },
    signIn: {
      title: "Iniciar sesión",
      action: "Iniciar sesión",
      forgotten: "¿Olvidó su contraseña?",
      noAccount: "¿Todavía no tiene una cuenta?",
    },
    forgotten: {
      title: "¿Olvidó su contraseña?",
      lead: "Indique la dirección con la que se registró. Le enviaremos un enlace para elegir una nueva contraseña.",
      action: "Enviar el enlace",
      sentTitle: "Revise su correo",
      sent: (email: string) =>
        `Si ${email} se conoce aquí, un enlace está en camino. Sirve durante una hora.`,
    },
    verify: {
      title: "Confirme su dirección de correo",
      lead: "Luego podrá iniciar sesión y subir imágenes.",
      action: "Confirmar",
      done: (email: string) => `${email} quedó confirmada.`,
      newLink: "¿El enlace venció? Uno para elegir una nueva contraseña también confirma la dirección.",
    },
    reset: {
      title: "Elija una nueva contraseña",
      action: "Guardar la contraseña",
      done: "Su nueva contraseña quedó guardada. Todas las sesiones de su cuenta han terminado.",
      newLink: "Pedir un enlace nuevo",
    },
    incomplete: "Esta dirección está incompleta: abra el enlace entero del correo.",
    ended: {
      title: "Su sesión ha terminado",
      why: "Las sesiones duran 14 días como máximo, y terminan cuando no se hace nada en ellas durante un día, cuando se cambia la contraseña o la dirección, cuando usted u otra persona inicia o cierra sesión en otra pestaña de este navegador, cuando usted las cierra en otro lugar, o cuando un administrador bloquea la cuenta. La mayoría de los navegadores las olvidan al cerrarse. Lo que subió está a salvo. Inicie sesión y volverá a donde estaba.",
      again: "Iniciar sesión de nuevo",
    },
    needed: {
      title: "Inicie sesión para seguir",
      why: "Esta página muestra imágenes de pacientes, así que es para quienes tienen una cuenta.",
    },
  },
});
