"""Moving an account to another e-mail address, which its owner confirms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlencode

from tortoise.exceptions import IntegrityError

from events.messages import EmailChangeRequested
from services import addresses, letters, tokens
from services.door import Door
from services.errors import Code, Problem, Refused, refuse
from services.notices import tell
from services.outbox import Outbox, record
from services.permissions import member
from services.trail import note
from store.database import atomically
from store.tables import NoticeKind, Token, TokenPurpose, TrailKind, User


@dataclass(frozen=True)
class Addressing:
    """The use cases around the address of an account."""

    outbox: Outbox
    post: letters.Post
    public_url: str
    door: Door

    async def request_change(self, viewer: User | None, email: str, password: str, source: str = "") -> None:
        """Mails a link to the new address. Of one that somebody has, that somebody hears, and nobody else.

        Raises:
            Refused: INVALID of the address; BAD_CREDENTIALS.
            TooMany: mails, or wrong guesses, from ``source``, or at this account.
        """
        viewer = member(viewer)
        address, problems = addresses.normalised(email)
        if address == viewer.email:
            problems = [Problem(Code.INVALID, "this is the address of your account already", "email")]
        if problems:
            raise Refused(*problems)
        await self.door.prove(source, viewer, password)
        await self.door.letter(source)
        await self.outbox.commit(partial(_request, viewer, address))

    async def send_link(self, event: EmailChangeRequested) -> None:
        """Mails the link to the address that was asked for last."""
        issued = await atomically(partial(_issue, event.user_id))
        if issued is None:
            return
        user, address, token = issued
        link = f"{self.public_url}/confirm-email?{urlencode({'token': token})}"
        await self.post.send(letters.email_change(address, user.name, link, user.locale))

    async def confirm(self, token: str) -> User:
        """Moves the account to the address that the token was mailed to, and ends every session.

        Links that were mailed to the old address are good no more, and a mail tells it.

        Raises:
            Refused: TOKEN_EXPIRED; EMAIL_TAKEN, by whoever signed up with it meanwhile.
        """
        found = await tokens.get(token, TokenPurpose.CHANGE_EMAIL)
        try:
            return await self.outbox.commit(partial(_move, found))
        except IntegrityError as error:
            raise refuse(Code.EMAIL_TAKEN, "somebody has signed up with this address", "token") from error


async def _request(user: User, address: str) -> None:
    # Changes nothing, but locks the row: of several requests at once one is the last. Whoever has moved,
    # been blocked or got another password since the password was checked has to ask again.
    unchanged = User.filter(id=user.id, email=user.email, password_hash=user.password_hash)
    if not await unchanged.filter(blocked_at__isnull=True).update(password_hash=user.password_hash):
        return
    # As many statements either way, so that the time tells nothing of the address.
    await tokens.revoke_all(user.id, TokenPurpose.CHANGE_EMAIL)
    holder = await User.get_or_none(email=address)
    if holder is not None:
        await tell(NoticeKind.EMAIL_IN_USE, holder)
        return
    await tokens.issue(user, TokenPurpose.CHANGE_EMAIL, email=address)  # whose secret nobody learns
    await record(EmailChangeRequested(user.id))


async def _issue(user_id: int) -> tuple[User, str, str] | None:
    """Whose link goes to which address, and its token."""
    user = await tokens.locked(user_id)
    asked = await Token.live_of(user_id, TokenPurpose.CHANGE_EMAIL, datetime.now(UTC)).first()
    if user is None or asked is None or asked.email is None:
        return None
    return user, asked.email, await tokens.issue(user, TokenPurpose.CHANGE_EMAIL, email=asked.email)


async def _move(found: Token) -> User:
    await tokens.redeem(found)
    before = await User.get(id=found.user_id)
    await User.filter(id=before.id).update(email=found.email, email_verified_at=datetime.now(UTC))
    await tokens.revoke_all(before.id, *TokenPurpose)
    await tell(NoticeKind.EMAIL_CHANGED, before)
    await note(TrailKind.EMAIL_CHANGED, before, User=before.id)
    return await User.get(id=before.id)
