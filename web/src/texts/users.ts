/** The pages of users, and of labels that contradict one another. */

import { texts } from "./texts";

export const users = texts({
  en: {
    what: "the users",
    list: "Everybody with an account",
    columns: { user: "User", role: "Role", since: "Signed up", access: "Access", actions: "Actions" },
    role: { ADMIN: "administrator", MEMBER: "member" },
    unverified: "address not confirmed",
    may: "may sign in",
    blocked: (date: string) => `blocked since ${date}`,
    you: "you",
    makeAdmin: "Make administrator",
    makeMember: "Make member",
    makeAdminLead: (name: string) =>
      `${name} will see everyone’s images, and look after models, news, users and messages.`,
    makeMemberLead: (name: string) => `${name} will see and label no images but their own.`,
    roleSet: (name: string, role: string) => `${name}: ${role}.`,
    block: "Block",
    blockLead: (name: string) =>
      `${name} is signed out everywhere and cannot sign in. Images and labels stay as they are.`,
    isBlocked: (name: string) => `${name} is blocked.`,
    unblock: "Unblock",
    unblockLead: (name: string) => `${name} can sign in again.`,
    isUnblocked: (name: string) => `${name} can sign in again.`,
    withdraw: "Withdraw labels",
    withdrawLead: (name: string) =>
      `All labels that ${name} has submitted until now count nowhere any more: no run learns from them, and models that did say so. There is no way back.`,
    withdrawn: (count: string) => `Labels withdrawn: ${count}.`,
    resetFactor: "Reset second factor",
    resetFactorLead: (name: string) =>
      `For when ${name} has lost it: the password alone signs in again, and all sessions end. Make sure first that it is ${name} who asks.`,
    factorReset: (name: string) => `${name} signs in by the password alone.`,
    actionOf: (action: string, name: string) => `${action}: ${name}`,
  },
  es: {
    what: "los usuarios",
    list: "Todos los que tienen una cuenta",
    columns: { user: "Usuario", role: "Rol", since: "Registro", access: "Acceso", actions: "Acciones" },
    role: { ADMIN: "administrador", MEMBER: "miembro" },
    unverified: "dirección sin confirmar",
    may: "puede iniciar sesión",
    blocked: (date: string) => `bloqueado desde el ${date}`,
    you: "usted",
    makeAdmin: "Hacer administrador",
    makeMember: "Hacer miembro",
    makeAdminLead: (name: string) =>
      `${name} verá las imágenes de todos, y cuidará modelos, noticias, usuarios y mensajes.`,
    makeMemberLead: (name: string) => `${name} verá y etiquetará solo sus propias imágenes.`,
    roleSet: (name: string, role: string) => `${name}: ${role}.`,
    block: "Bloquear",
    blockLead: (name: string) =>
      `Todas las sesiones de ${name} terminan, y no podrá iniciar otra. Sus imágenes y etiquetas quedan como están.`,
    isBlocked: (name: string) => `${name} quedó con la cuenta bloqueada.`,
    unblock: "Desbloquear",
    unblockLead: (name: string) => `${name} podrá iniciar sesión de nuevo.`,
    isUnblocked: (name: string) => `${name} puede iniciar sesión de nuevo.`,
    withdraw: "Retirar etiquetas",
    withdrawLead: (name: string) =>
      `Todas las etiquetas que ${name} envió hasta ahora dejan de contar: ningún entrenamiento aprende de ellas, y los modelos que lo hicieron lo dicen. No hay vuelta atrás.`,
    withdrawn: (count: string) => `Etiquetas retiradas: ${count}.`,
    resetFactor: "Quitar el segundo factor",
    resetFactorLead: (name: string) =>
      `Para cuando ${name} lo haya perdido: bastará de nuevo la contraseña, y todas sus sesiones terminan. Antes asegúrese de que es ${name} quien lo pide.`,
    factorReset: (name: string) => `A ${name} le basta ahora la contraseña.`,
    actionOf: (action: string, name: string) => `${action}: ${name}`,
  },
});

export const conflicts = texts({
  en: {
    what: "the conflicts",
    lead: "People contradict one another on these images by the strongest evidence that there is. Until it is settled, they neither teach nor judge models. An administrator’s label settles it, and so does stronger evidence.",
    none: "Nobody contradicts anybody.",
    uploadedBy: (name: string, moment: string) => `Uploaded by ${name}, ${moment}`,
    said: (name: string, finding: string, evidence: string) => `${name}: ${finding}, by ${evidence}`,
    isWithdrawn: "withdrawn",
    settle: "Settle it",
    evidence: "What that rests on",
    finding: "What it shows",
    settled: (filename: string) => `${filename} is settled.`,
    stillOpen: (filename: string) => `Labelled, but stronger evidence contradicts it: ${filename}.`,
  },
  es: {
    what: "los conflictos",
    lead: "Sobre estas imágenes las personas se contradicen con la evidencia más fuerte que hay. Hasta que se resuelva, no enseñan a ningún modelo ni lo juzgan. Lo resuelve la etiqueta de un administrador, o una evidencia más fuerte.",
    none: "Nadie contradice a nadie.",
    uploadedBy: (name: string, moment: string) => `Subida por ${name}, ${moment}`,
    said: (name: string, finding: string, evidence: string) => `${name}: ${finding}, por ${evidence}`,
    isWithdrawn: "retirada",
    settle: "Resolver",
    evidence: "En qué se apoya",
    finding: "Qué muestra",
    settled: (filename: string) => `${filename} quedó resuelta.`,
    stillOpen: (filename: string) => `Etiquetada, pero una evidencia más fuerte la contradice: ${filename}.`,
  },
});
