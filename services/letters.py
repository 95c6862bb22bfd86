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


def contact(to: tuple[str, ...], name: str, email: str, subject: str, body: str) -> Letter:
    """Takes a visitor's message to the administrators, who need not share a language."""
    wrote = "wrote through the contact form / escribió por el formulario de contacto"
    text = f"{name} <{email}> {wrote}:\n\n{body}"
    return Letter(to, f"[COVID-XR] {subject}", text, reply_to=email)


def _letter(to: str, texts: dict[str, tuple[str, str]], locale: str) -> Letter:
    language = language_of(locale)
    subject, body = texts[language]
    return Letter((to,), subject, f"{body}\n\n-- \n{RESEARCH_NOTE[language]}\n")
