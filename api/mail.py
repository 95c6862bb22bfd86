"""Taking mails away: to an SMTP server, or into a folder where none is set."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from email.utils import format_datetime, make_msgid
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import aiosmtplib

from api.settings import Settings
from services.letters import Letter, Post, Undeliverable

TIMEOUT_SECONDS = 20
PERMANENT = 500
"""SMTP's replies from here on mean: do not try again."""
LONGEST_LINE = 998
"""Bytes of a line of a mail; RFC 5322, 2.1.1."""


def post_of(settings: Settings) -> Post:
    """Where mails go."""
    if settings.smtp_url:
        return SmtpPost(settings.smtp_url, settings.mail_from)
    return FolderPost(settings.data_dir / "mail", settings.mail_from)


@dataclass(frozen=True)
class SmtpPost:
    """Hands mails to the server at ``smtp://[USER:PASSWORD@]HOST[:PORT]``; ``smtps://`` is TLS throughout."""

    url: str
    sender: str

    async def send(self, letter: Letter) -> None:
        """See `services.letters.Post`."""
        try:
            async with self._server() as server:
                await server.send_message(compose(letter, self.sender))
        except aiosmtplib.SMTPException as error:
            said = f"the mail server did not take the mail: {type(error).__name__}"
            raise (Undeliverable(said) if _is_final(error) else OSError(said)) from error

    async def greet(self) -> None:
        """Connect, sign in where there is a password, and leave.

        Raises:
            OSError: the server does not answer, or does not let us in.
        """
        try:
            async with self._server() as server:
                await server.noop()
        except aiosmtplib.SMTPException as error:
            raise OSError(f"the mail server does not let us in: {error or type(error).__name__}") from error

    def _server(self) -> aiosmtplib.SMTP:
        parts = urlsplit(self.url)
        tls = parts.scheme == "smtps"
        return aiosmtplib.SMTP(
            hostname=parts.hostname or "localhost",
            port=parts.port or (465 if tls else 25),
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            use_tls=tls,
            tls_context=ssl.create_default_context() if tls or parts.username else None,
            timeout=TIMEOUT_SECONDS,
        )


def _is_final(error: aiosmtplib.SMTPException) -> bool:
    """Whether it is for the letter's sake; a refusal of us or of our password is the operator's to mend."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return all(refused.code >= PERMANENT for refused in error.recipients)
    if isinstance(error, aiosmtplib.SMTPDataError):
        return error.code >= PERMANENT
    return isinstance(error, aiosmtplib.SMTPNotSupported)  # an address in an alphabet that it does not know


@dataclass(frozen=True)
class FolderPost:
    """Writes mails as ``.eml`` files, for trying out and for tests."""

    folder: Path
    sender: str

    async def send(self, letter: Letter) -> None:
        """See `services.letters.Post`."""
        await asyncio.to_thread(self._write, compose(letter, self.sender))

    def _write(self, message: EmailMessage) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{uuid4().hex[:8]}.eml"
        unfinished = self.folder / f".{name}"
        unfinished.write_bytes(bytes(message))
        unfinished.rename(self.folder / name)


def compose(letter: Letter, sender: str) -> EmailMessage:
    """The letter as an RFC 5322 message."""
    # Encoded words have no place in an address: one beyond ASCII needs headers in UTF-8.
    utf8 = not all(address.isascii() for address in (*letter.to, letter.reply_to or ""))
    message = EmailMessage(policy=default.clone(utf8=utf8))
    message["From"] = sender
    message["To"] = ", ".join(letter.to)
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = make_msgid(domain="covid-xr")
    if letter.reply_to:
        message["Reply-To"] = letter.reply_to
    message.set_content(letter.body, cte=_encoding(letter.body))
    return message


def _encoding(body: str) -> str:
    """Quoted-printable only where a line is too long: it breaks links in mail that is read as plain text."""
    if any(len(line.encode()) > LONGEST_LINE for line in body.splitlines()):
        return "quoted-printable"
    return "7bit" if body.isascii() else "8bit"
