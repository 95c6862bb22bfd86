/** The second factor: turning it on and off, and signing in by it. */

import { texts } from "./texts";

export const secondFactor = texts({
  en: {
    title: "Second factor",
    isOff:
      "Signing in asks for your password alone. With a second factor it asks for a code of an authenticator app on your phone, too: whoever has your password still cannot get in.",
    neededByAdmins:
      "Administrators may have to turn it on before they can do more than members: whoever runs the server decides that.",
    isOn: (date: string) => `On since ${date}: signing in asks for a code of your authenticator app, too.`,
    begin: "Set it up",
    beginLead: "Have an authenticator app at hand. Nothing changes until you type a code that it shows.",
    scan: "Scan this with your authenticator app, then type the code that it shows. Your phone needs no network for that.",
    qr: "QR code for the authenticator app",
    byHand: "Or type this secret into the app:",
    code: "Code",
    codeHint: "The six digits that the app shows now.",
    confirm: "Turn it on",
    recovery: "Recovery codes",
    recoveryLead:
      "It is on. Keep these codes where your phone is not: each signs you in once, in place of the app. They are not shown again.",
    kept: "I have kept them",
    end: "Turn it off",
    endLead: "Then your password alone signs you in again, and your recovery codes are good no more.",
    ended: "The second factor is off.",
    anyCode: "Code, or a recovery code",
    step: {
      title: "Your second factor",
      lead: "Your password is right. Type the code that your authenticator app shows, or one of your recovery codes.",
      action: "Sign in",
      back: "Begin again",
      lost: "If you have lost both, an administrator, or whoever runs the server, can reset it.",
    },
  },
  es: {
    title: "Segundo factor",
    isOff:
      "Para iniciar sesión basta su contraseña. Con un segundo factor se pide además un código de una aplicación de su teléfono: quien tenga su contraseña no podrá entrar.",
    neededByAdmins:
      "Puede que los administradores deban activarlo para poder hacer más que los miembros: lo decide quien mantiene el servidor.",
    isOn: (date: string) =>
      `Activo desde el ${date}: al iniciar sesión se pide además un código de su aplicación.`,
    begin: "Prepararlo",
    beginLead:
      "Tenga a mano una aplicación de códigos. Nada cambia hasta que escriba un código que ella muestre.",
    scan: "Escanee esto con su aplicación de códigos y escriba el código que muestra. El teléfono no necesita red para eso.",
    qr: "Código QR para la aplicación de códigos",
    byHand: "O escriba este secreto en la aplicación:",
    code: "Código",
    codeHint: "Los seis dígitos que la aplicación muestra ahora.",
    confirm: "Activarlo",
    recovery: "Códigos de recuperación",
    recoveryLead:
      "Ya está activo. Guarde estos códigos lejos de su teléfono: cada uno sirve una vez para iniciar sesión, en lugar de la aplicación. No se muestran de nuevo.",
    kept: "Ya los guardé",
    end: "Desactivarlo",
    endLead: "Entonces bastará de nuevo su contraseña, y sus códigos de recuperación dejarán de servir.",
    ended: "El segundo factor está desactivado.",
    anyCode: "Código, o un código de recuperación",
    step: {
      title: "Su segundo factor",
      lead: "Su contraseña es correcta. Escriba el código que muestra su aplicación, o uno de sus códigos de recuperación.",
      action: "Iniciar sesión",
      back: "Empezar de nuevo",
      lost: "Si perdió ambos, un administrador, o quien mantiene el servidor, lo puede quitar.",
    },
  },
});
