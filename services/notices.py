"""Mails to people who may have no account any more; the address goes with the mail."""

from __future__ import annotations

from dataclasses import dataclass

from events.messages import NoticeDue
from services import letters
from services.outbox import record
from store.tables import Notice, NoticeKind, User

LETTERS = {
    NoticeKind.ACCOUNT_DELETED: letters.account_deleted,
    NoticeKind.EMAIL_CHANGED: letters.email_changed,
    NoticeKind.EMAIL_IN_USE: letters.email_in_use,
    NoticeKind.PASSWORD_CHANGED: letters.password_changed,
}


async def tell(kind: NoticeKind, user: User) -> None:
    """Have a mail sent to the address that the user has at this moment, once the transaction commits."""
    notice = await Notice.create(kind=kind, email=user.email, name=user.name, locale=user.locale)
    await record(NoticeDue(notice.id))


@dataclass(frozen=True)
class Notices:
    """The reaction to a notice that is due."""

    post: letters.Post

    async def send(self, event: NoticeDue) -> None:
        """Mails it, and forgets the address then, or where no server will ever take the mail."""
        notice = await Notice.get_or_none(id=event.notice_id)
        if notice is None:
            return
        letter = LETTERS[notice.kind](notice.email, notice.name, notice.locale)
        try:
            await self.post.send(letter)
        except letters.Undeliverable:
            await self.give_up(event)
            raise
        await self.give_up(event)

    async def give_up(self, event: NoticeDue) -> None:
        """Forgets the address."""
        await Notice.filter(id=event.notice_id).delete()
