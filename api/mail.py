"""Taking mails away: to an SMTP server, or into a folder where none is set."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import aiosmtplib

from services.letters import Letter

TIMEOUT_SECONDS = 20


@dataclass(frozen=True)
class SmtpPost:
    """Hands mails to the server at ``smtp://[USER:PASSWORD@]HOST[:PORT]``; ``smtps://`` is TLS throughout."""

    url: str
    sender: str

    async def send(self, letter: Letter) -> None:
        """See `services.letters.Post`."""
        parts = urlsplit(self.url)
        tls = parts.scheme == "smtps"
        try:
            await aiosmtplib.send(
                compose(letter, self.sender),
                hostname=parts.hostname or "localhost",
                port=parts.port or (465 if tls else 25),
                username=unquote(parts.username) if parts.username else None,
                password=unquote(parts.password) if parts.password else None,
                use_tls=tls,
                tls_context=ssl.create_default_context() if tls or parts.username else None,
                timeout=TIMEOUT_SECONDS,
            )
        except aiosmtplib.SMTPException as error:
            raise OSError(f"the mail server did not take the mail: {type(error).__name__}") from error


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
    message = EmailMessage()
    message["From"] = sender
    message["To"] = ", ".join(letter.to)
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = make_msgid(domain="covid-xr")
    if letter.reply_to:
        message["Reply-To"] = letter.reply_to
    # Not quoted-printable, which breaks long links where mail is read as plain text.
    message.set_content(letter.body, cte="7bit" if letter.body.isascii() else "8bit")
    return message
