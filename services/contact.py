"""The contact form: visitors write, administrators get mail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from events.messages import ContactMessageReceived
from services import addresses, letters, names
from services.door import Door
from services.errors import Code, Problem, Refused
from services.newsroom import text_problems
from services.outbox import Outbox, record
from services.permissions import admin
from store.pages import Page, Window, page
from store.tables import ContactMessage, User

SUBJECT_LENGTH = 200
BODY_LENGTH = 10_000


@dataclass(frozen=True)
class Contact:
    """The use cases around contact messages."""

    outbox: Outbox
    post: letters.Post
    door: Door

    async def send(self, name: str, email: str, subject: str, body: str, source: str = "") -> ContactMessage:
        """Takes a message from anybody; the mail to the administrators follows.

        Raises:
            Refused: REQUIRED, TOO_LARGE or INVALID, all at once.
            TooMany: from ``source``.
        """
        problems = names.problems_of(name) + addresses.normalised(email)[1]
        problems += _text_problems(subject, "subject", SUBJECT_LENGTH)
        problems += _text_problems(body, "body", BODY_LENGTH)
        if problems:
            raise Refused(*problems)
        await self.door.letter(source)
        name, subject = names.on_one_line(name), names.on_one_line(subject)

        async def create() -> ContactMessage:
            message = await ContactMessage.create(name=name, email=email.strip(), subject=subject, body=body)
            await record(ContactMessageReceived(message.id))
            return message

        return await self.outbox.commit(create)

    async def page(self, viewer: User | None, window: Window) -> Page[ContactMessage]:
        """All messages, newest first; for administrators."""
        admin(viewer)
        return await page(ContactMessage.all(), window)

    async def find(self, viewer: User | None, message_ids: Iterable[int]) -> dict[int, ContactMessage]:
        """Those of the messages that exist, by id; for administrators, nothing for others."""
        if viewer is None or not viewer.is_admin:
            return {}
        return {message.id: message for message in await ContactMessage.filter(id__in=list(message_ids))}

    async def mail_admins(self, event: ContactMessageReceived) -> None:
        """Mails a message to the administrators, once."""
        message = await ContactMessage.get_or_none(id=event.message_id)
        admins = tuple(user.email for user in await User.admins().order_by("id"))
        if message is None or message.delivered_at is not None or not admins:
            return
        texts = (message.name, message.email, message.subject, message.body)
        await self.post.send(letters.contact(admins, *texts))
        await ContactMessage.filter(id=message.id).update(delivered_at=datetime.now(UTC))


async def sent_from(user: User) -> list[ContactMessage]:
    """The messages that give the user's address, as whoever wrote them typed it."""
    # A database may take letters with accents for those without: it finds too many, never too few.
    alike = await ContactMessage.filter(email__iexact=user.email).order_by("id")
    return [message for message in alike if addresses.normalised(message.email)[0] == user.email]


def _text_problems(text: str, field: str, longest: int) -> list[Problem]:
    if "\0" in text:
        return [Problem(Code.INVALID, f"the {field} has a NUL character", field)]
    return text_problems(text, field, longest)
