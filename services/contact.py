"""The contact form: visitors write, administrators get mail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from email_validator import EmailNotValidError, validate_email

from events.messages import ContactMessageReceived
from services import letters
from services.errors import Code, Problem, Refused
from services.newsroom import text_problems
from services.outbox import Outbox, record
from services.permissions import admin
from store.pages import Page, Window, page
from store.tables import ContactMessage, User

NAME_LENGTH = 100
SUBJECT_LENGTH = 200
BODY_LENGTH = 10_000


@dataclass(frozen=True)
class Contact:
    """The use cases around contact messages."""

    outbox: Outbox
    post: letters.Post

    async def send(self, name: str, email: str, subject: str, body: str) -> ContactMessage:
        """Takes a message from anybody; the mail to the administrators follows.

        Raises:
            Refused: REQUIRED, TOO_LARGE or INVALID, all at once.
        """
        problems = text_problems(name, "name", NAME_LENGTH) + _address_problems(email)
        problems += text_problems(subject, "subject", SUBJECT_LENGTH) + text_problems(
            body, "body", BODY_LENGTH
        )
        if problems:
            raise Refused(*problems)
        one_line = " ".join(subject.split())  # a line break would end the mail's header

        async def create() -> ContactMessage:
            message = await ContactMessage.create(
                name=" ".join(name.split()), email=email.strip(), subject=one_line, body=body
            )
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


def _address_problems(email: str) -> list[Problem]:
    try:
        validate_email(email.strip(), check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        return [Problem(Code.INVALID, str(error), "email")]
    return []
