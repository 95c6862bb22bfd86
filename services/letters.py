"""The mails that go out, in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

RESEARCH_NOTE = {
    "en": "COVID-XR is for research, not for diagnosis.",
    "es": "COVID-XR es para investigación, no para diagnóstico.",
}


@dataclass(frozen=True)
class Letter:
    """A mail: whom it goes to and what it says, plain text."""

    to: tuple[str, ...]
    subject: str
    body: str
    reply_to: str | None = None


class Undeliverable(Exception):
    """A letter that no server will ever take: sending it again cannot help."""


class Post(Protocol):
    """Whatever takes mails away."""

    async def send(self, letter: Letter) -> None:
        """Hand the letter over.

        Raises:
            OSError: the server did not take it; sending it again later may help.
            Undeliverable: nobody is there to receive it.
        """
        ...


def language_of(locale: str | None) -> str:
    """The language in which we write: Spanish where asked for, English otherwise."""
    return "es" if (locale or "").lower().startswith("es") else "en"


def verification(to: str, name: str, link: str, locale: str) -> Letter:
    """Asks a new user to confirm the address."""
    texts = {
        "en": (
            "Confirm your e-mail address for COVID-XR",
            f"Hello {name},\n\nopen this address to confirm yours and finish signing up:\n\n{link}\n\n"
            "It is good for 24 hours. If you did not sign up, ignore this mail.",
        ),
        "es": (
            "Confirme su dirección de correo para COVID-XR",
            f"Hola {name}:\n\nabra esta dirección para confirmar la suya y terminar el registro:\n\n"
            f"{link}\n\n"
            "Sirve durante 24 horas. Si usted no se registró, ignore este mensaje.",
        ),
    }
    return _letter(to, texts, locale)


def password_reset(to: str, name: str, link: str, locale: str) -> Letter:
    """Lets a user choose a new password."""
    texts = {
        "en": (
            "Choose a new password for COVID-XR",
            f"Hello {name},\n\nopen this address to choose a new password:\n\n{link}\n\n"
            "It is good for one hour. If you did not ask for it, ignore this mail: nothing changes.",
        ),
        "es": (
            "Elija una nueva contraseña para COVID-XR",
            f"Hola {name}:\n\nabra esta dirección para elegir una nueva contraseña:\n\n{link}\n\n"
            "Sirve durante una hora. Si no la pidió, ignore este mensaje: nada cambia.",
        ),
    }
    return _letter(to, texts, locale)


def email_change(to: str, name: str, link: str, locale: str) -> Letter:
    """Asks somebody to confirm the new address of an account."""
    texts = {
        "en": (
            "Confirm your new e-mail address for COVID-XR",
            f"Hello {name},\n\nopen this address to make this the e-mail address of your account:\n\n"
            f"{link}\n\n"
            "It is good for 24 hours. If you did not ask for it, ignore this mail: nothing changes.",
        ),
        "es": (
            "Confirme su nueva dirección de correo para COVID-XR",
            f"Hola {name}:\n\nabra esta dirección para que este sea el correo de su cuenta:\n\n{link}\n\n"
            "Sirve durante 24 horas. Si no lo pidió, ignore este mensaje: nada cambia.",
        ),
    }
    return _letter(to, texts, locale)


def email_changed(to: str, name: str, locale: str) -> Letter:
    """Tells the old address of an account that there is another one."""
    texts = {
        "en": (
            "Your COVID-XR account has another e-mail address",
            f"Hello {name},\n\nyour account has another e-mail address now; this one signs nobody in, "
            "and all sessions have ended.\n\nIf that was not you, write to the administrators by the contact "
            "form at once.",
        ),
        "es": (
            "Su cuenta de COVID-XR tiene otra dirección de correo",
            f"Hola {name}:\n\nsu cuenta tiene ahora otra dirección de correo. Con esta ya nadie puede "
            "iniciar sesión, y todas las sesiones han terminado.\n\nSi no fue usted, escriba enseguida a los "
            "administradores por el formulario de contacto.",
        ),
    }
    return _letter(to, texts, locale)


def email_in_use(to: str, name: str, locale: str) -> Letter:
    """Tells the owner of an account that somebody asked for its address."""
    texts = {
        "en": (
            "This address has a COVID-XR account already",
            f"Hello {name},\n\nsomebody asked to make this the e-mail address of another account. It is that "
            "of your account already, so nothing has changed. If that was you, use this account (a new "
            "password is to be had by mail), or delete it first.",
        ),
        "es": (
            "Esta dirección ya tiene una cuenta de COVID-XR",
            f"Hola {name}:\n\nalguien pidió que este fuera el correo de otra cuenta. Ya es el de la suya, "
            "así que nada ha cambiado. Si fue usted, use esta cuenta (puede pedir una contraseña nueva), o "
            "bórrela primero.",
        ),
    }
    return _letter(to, texts, locale)


def password_changed(to: str, name: str, locale: str) -> Letter:
    """Tells somebody that there is a new password."""
    texts = {
        "en": (
            "Your COVID-XR account has a new password",
            f"Hello {name},\n\nsomebody who knew the password of your account has chosen a new one. All "
            "other sessions have ended.\n\nIf that was not you, have another one sent at once, by the page "
            "where you sign in.",
        ),
        "es": (
            "Su cuenta de COVID-XR tiene una contraseña nueva",
            f"Hola {name}:\n\nalguien que conocía la contraseña de su cuenta eligió una nueva. Todas las "
            "demás sesiones han terminado.\n\nSi no fue usted, pida enseguida otra en la página donde inicia "
            "sesión.",
        ),
    }
    return _letter(to, texts, locale)


def account_deleted(to: str, name: str, locale: str) -> Letter:
    """Tells somebody that the account is gone."""
    texts = {
        "en": (
            "Your COVID-XR account is deleted",
            f"Hello {name},\n\nyour account is deleted, with all your images and what belonged to them. This "
            "cannot be undone.\n\nIf that was not you, write to the administrators by the contact form.",
        ),
        "es": (
            "Su cuenta de COVID-XR está borrada",
            f"Hola {name}:\n\nsu cuenta está borrada, con todas sus imágenes y lo que dependía de ellas. "
            "Esto no se puede deshacer.\n\nSi no fue usted, escriba a los administradores por el formulario "
            "de contacto.",
        ),
    }
    return _letter(to, texts, locale)


def contact(to: tuple[str, ...], name: str, email: str, subject: str, body: str) -> Letter:
    """Takes a visitor's message to the administrators, who need not share a language."""
    wrote = "wrote through the contact form / escribió por el formulario de contacto"
    text = f"{name} <{email}> {wrote}:\n\n{body}"
    return Letter(to, f"[COVID-XR] {subject}", text, reply_to=email)


def _letter(to: str, texts: dict[str, tuple[str, str]], locale: str) -> Letter:
    language = language_of(locale)
    subject, body = texts[language]
    return Letter((to,), subject, f"{body}\n\n-- \n{RESEARCH_NOTE[language]}\n")
