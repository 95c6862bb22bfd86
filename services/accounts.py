"""People: signing up and in, passwords, roles."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from tortoise.exceptions import IntegrityError

from events.messages import (
    EmailVerificationRequested,
    PasswordResetAsked,
    PasswordResetRequested,
    SessionsEnded,
)
from services import addresses, letters, lookups, names, passwords, second_factor, tokens
from services.cleaning import visible
from services.door import Door, wrong_password
from services.errors import Code, Problem, Refused, refuse
from services.notices import tell
from services.outbox import Outbox, record
from services.permissions import admin, hold_back, member
from services.trail import note
from store.database import atomically
from store.pages import Page, Window, page
from store.tables import NoticeKind, Role, Token, TokenPurpose, TrailKind, User

CLIENT_LENGTH = 200


@dataclass(frozen=True)
class Accounts:
    """The use cases around users."""

    outbox: Outbox
    post: letters.Post
    public_url: str
    door: Door
    admins_need_second_factor: bool = False
    idle: timedelta = tokens.LIFETIMES[TokenPurpose.SESSION]
    """A session that is not used for so long has ended."""
    is_discreet: bool = False
    """Whether people are to sign up by `sign_up_discreetly`; signing in tells nothing of it then."""

    async def sign_up(
        self, email: str, password: str, name: str, locale: str | None, source: str = ""
    ) -> User:
        """A new member, who must confirm the address before signing in; ``source`` is where it is asked from.

        Raises:
            Refused: INVALID, REQUIRED, TOO_LARGE or EMAIL_TAKEN, all at once.
            TooMany: from there, also where no mail would have been sent.
        """
        address, problems = await self._problems_of(email, password, name, source)
        if address and await User.exists(email=address):
            problems.append(Problem(Code.EMAIL_TAKEN, "somebody has signed up with this address", "email"))
        if problems:
            raise Refused(*problems)
        password_hash = await passwords.hashed(password)
        return await self._unless_taken(partial(_create, address, password_hash, name, locale))

    async def sign_up_discreetly(
        self, email: str, password: str, name: str, locale: str | None, source: str = ""
    ) -> None:
        """As `sign_up`, but that nobody hears, save by a mail to the address, whether somebody has it.

        Raises:
            Refused: INVALID, REQUIRED or TOO_LARGE, all at once.
            TooMany: from there.
        """
        address, problems = await self._problems_of(email, password, name, source)
        if problems:
            raise Refused(*problems)
        create = partial(_create, address, await passwords.hashed(password), name, locale)
        with suppress(IntegrityError):  # somebody has signed up with it at this very moment
            await self.outbox.commit(partial(_create_or_tell, address, create))

    async def _problems_of(
        self, email: str, password: str, name: str, source: str
    ) -> tuple[str, list[Problem]]:
        """The address as we keep it, and what is wrong with the form."""
        address, problems = addresses.normalised(email)
        if address:
            await self.door.letter(source)  # before anybody hears whether it is taken
        problems += names.problems_of(name) + await passwords.problems_of(password, name, address)
        return address, problems

    async def create_admin(self, email: str, password: str) -> User:
        """A new administrator with a confirmed address, or an old member made one.

        Raises:
            Refused: INVALID or TOO_LARGE.
        """
        address, problems = addresses.normalised(email)
        problems += await passwords.problems_of(password, address)
        if problems:
            raise Refused(*problems)
        password_hash = await passwords.hashed(password)
        changes: dict[str, Any] = {
            "role": Role.ADMIN,
            "password_hash": password_hash,
            "email_verified_at": datetime.now(UTC),
            "blocked_at": None,
            "block_reason": None,
        }

        async def make() -> User:
            if not await User.filter(email=address).update(**changes):
                await User.create(email=address, name=address.partition("@")[0], **changes)
            user = await User.get(email=address)
            await tokens.revoke_all(user.id, *TokenPurpose)  # of whoever knew the password before
            await note(TrailKind.ROLE_CHANGED, None, value=Role.ADMIN, User=user.id)
            return user

        return await self.outbox.commit(make)

    async def verify_email(self, token: str) -> User:
        """Confirms the address of the token's user.

        Raises:
            Refused: TOKEN_EXPIRED.
        """
        found = await tokens.get(token, TokenPurpose.VERIFY_EMAIL)

        async def verify() -> User:
            await tokens.redeem(found)
            await User.filter(id=found.user_id).update(email_verified_at=datetime.now(UTC))
            await tokens.revoke_all(found.user_id, TokenPurpose.VERIFY_EMAIL)
            return await User.get(id=found.user_id)

        return await atomically(verify)

    async def sign_in(
        self, email: str, password: str, source: str = "", client: str = "", code: str | None = None
    ) -> tuple[str, User]:
        """A session token and its user; ``source`` is where it is asked from, and ``client`` by what.

        ``code`` is of the user's second factor, if there is one; else it does not matter.

        Raises:
            Refused: BAD_CREDENTIALS, the same for an unknown address; BLOCKED, SECOND_FACTOR_REQUIRED or
                EMAIL_NOT_VERIFIED, of whoever knows the password, the last where we are not discreet.
            TooMany: wrong guesses from there, or at this account.
        """
        address, _ = addresses.normalised(email)
        client = visible(client)[:CLIENT_LENGTH]
        async with self.door.guess(source, address):
            user = await self._known(address, password)
            begin = partial(_session, user, await passwords.hashed_anew(password, user.password_hash))
            if user.second_factor_at is None:
                return await atomically(partial(begin, client, self.idle)), user
            if code is not None:
                async with self.door.code(user.id):
                    return await atomically(partial(begin, client, self.idle, code)), user
        raise refuse(  # which is no wrong guess
            Code.SECOND_FACTOR_REQUIRED, "give the code of your authenticator app, too", "code"
        )

    async def _known(self, address: str, password: str) -> User:
        """The user of this password, if it may sign in."""
        user = await User.get_or_none(email=address) if address else None
        is_right = await passwords.matches(password, user.password_hash if user else None)
        # Whoever has just signed up with an address would hear else whether somebody had it before.
        is_unsaid = self.is_discreet and user is not None and user.email_verified_at is None
        if not is_right or user is None or is_unsaid:
            raise _bad_credentials(self.is_discreet)
        if user.blocked_at is not None:
            raise refuse(Code.BLOCKED, "this account is blocked: ask an administrator by the contact form")
        if user.email_verified_at is None:
            await self.outbox.commit(partial(_ask_to_verify, user))
            raise refuse(
                Code.EMAIL_NOT_VERIFIED, "confirm your address first: we have sent you the mail", "email"
            )
        return user

    async def sign_out(self, token: str) -> None:
        """Ends the session of this token."""
        found = await tokens.find(token, TokenPurpose.SESSION)
        if found is not None:
            await self.outbox.commit(partial(_end, found))

    async def session(self, token: str) -> Token | None:
        """The live session of this token, with its user."""
        return (await self.sessions([token])).get(token)

    async def sessions(self, held: Iterable[str]) -> dict[str, Token]:
        """The live sessions among these tokens, each with its user."""
        found = await tokens.find_all(held, TokenPurpose.SESSION)
        for session in found.values():
            hold_back(session.user, self.admins_need_second_factor).session_id = session.id
        return found

    async def use(self, session: Token) -> None:
        """Puts off the end of a session in which somebody does something; listening is not doing."""
        await tokens.put_off(session, self.idle)

    async def authenticate(self, token: str) -> User | None:
        """The user whose live session this token is."""
        found = await self.session(token)
        return found.user if found else None

    async def request_password_reset(self, email: str, source: str = "", locale: str | None = None) -> None:
        """Sends a link to a known address; an unknown one is not told apart, nor by the time that it takes.

        The mail is in the language of ``locale``, or in that of the account where this is None.

        Raises:
            TooMany: from ``source``.
        """
        await self.door.letter(source)
        address, _ = addresses.normalised(email)
        found = await User.filter(email=address).values_list("id")
        language = None if locale is None else letters.language_of(locale)
        # Whoever asks waits for the same statements either way: what differs is done by a reaction.
        asked = PasswordResetAsked(next((user_id for (user_id,) in found), None), language)
        await self.outbox.commit(partial(record, asked))

    async def reset_password(self, token: str, password: str) -> User:
        """Sets a new password and ends every session of the user.

        Raises:
            Refused: INVALID or TOO_LARGE, and TOKEN_EXPIRED, all at once.
        """
        found = await tokens.find(token, TokenPurpose.RESET_PASSWORD)
        about = (found.user.name, found.user.email) if found else ()
        problems = await passwords.problems_of(password, *about)
        if found is None:
            problems.append(tokens.EXPIRED)
        if found is None or problems:
            raise Refused(*problems)
        # Whoever reads the mail owns the address: the reset confirms it too.
        changes = {"password_hash": await passwords.hashed(password), "email_verified_at": datetime.now(UTC)}

        async def reset() -> User:
            await tokens.redeem(found)
            await User.filter(id=found.user_id).update(**changes)
            await tokens.revoke_all(found.user_id, *TokenPurpose)
            await note(TrailKind.PASSWORD_RESET, found.user, User=found.user_id)
            return await User.get(id=found.user_id)

        return await self.outbox.commit(reset)

    async def change_password(
        self,
        viewer: User | None,
        password: str,
        new_password: str,
        source: str = "",
        token: str | None = None,
    ) -> User:
        """Sets a new password for whoever knows the one there is. Ends every session but that of ``token``.

        Links that were mailed are good no more, and a mail tells that there is a new password.

        Raises:
            Refused: BAD_CREDENTIALS; INVALID or TOO_LARGE, of the new one.
            TooMany: wrong guesses from ``source``, or at this account.
        """
        viewer = member(viewer)
        problems = await passwords.problems_of(new_password, viewer.name, viewer.email)
        if problems:
            raise Refused(*(replace(problem, field="newPassword") for problem in problems))
        await self.door.prove(source, viewer, password)
        password_hash = await passwords.hashed(new_password)
        return await self.outbox.commit(partial(_change_password, viewer, password_hash, token))

    async def page(self, viewer: User | None, window: Window) -> Page[User]:
        """All users, newest first; for administrators."""
        admin(viewer)
        return await page(User.people(), window)

    async def set_role(self, viewer: User | None, user_id: int, role: Role) -> User:
        """Makes a user a member or an administrator; the last administrator stays one.

        Raises:
            Refused: NOT_FOUND, CONFLICT.
        """
        viewer = admin(viewer)
        await lookups.named_user(user_id)

        async def change() -> User:
            if await User.filter(id=user_id).exclude(role=role).update(role=role):
                await note(TrailKind.ROLE_CHANGED, viewer, value=role, User=user_id)
            # Locked: two who demote each other at once would each see the other's old role.
            if not await User.admins().select_for_update():
                raise refuse(Code.CONFLICT, "this is the last administrator", "role")
            return await User.get(id=user_id)

        return await self.outbox.commit(change)

    async def send_verification(self, event: EmailVerificationRequested) -> None:
        """Mails the link that confirms an address."""
        user = await User.get_or_none(id=event.user_id)
        if user is not None and user.email_verified_at is None:
            link = self._link("verify-email", await tokens.issue(user, TokenPurpose.VERIFY_EMAIL))
            await self.post.send(letters.verification(user.email, user.name, link, user.locale))

    async def claim_password_reset(self, event: PasswordResetAsked) -> None:
        """Has the link mailed, unless nobody has the address, or one was mailed a moment ago."""
        user = await User.get_or_none(id=event.user_id) if event.user_id is not None else None
        if user is not None:
            await self.outbox.commit(partial(_ask_to_reset, user, event.locale))

    async def send_password_reset(self, event: PasswordResetRequested) -> None:
        """Mails the link that lets a user choose a new password."""
        issued = await atomically(partial(_issue_reset, event.user_id))
        if issued is not None:
            user, token = issued
            link = self._link("reset-password", token)
            locale = event.locale or user.locale
            await self.post.send(letters.password_reset(user.email, user.name, link, locale))

    def _link(self, page_name: str, token: str) -> str:
        return f"{self.public_url}/{page_name}?{urlencode({'token': token})}"

    async def _unless_taken(self, create: Callable[[], Awaitable[User]]) -> User:
        try:
            return await self.outbox.commit(create)
        except IntegrityError as error:
            raise refuse(Code.EMAIL_TAKEN, "somebody has signed up with this address", "email") from error


async def _change_password(user: User, password_hash: str, token: str | None) -> User:
    # Whoever has got another password or been blocked since this one was checked has to begin again.
    unchanged = User.filter(id=user.id, password_hash=user.password_hash, blocked_at__isnull=True)
    if not await unchanged.update(password_hash=password_hash):
        raise wrong_password()
    await tokens.revoke_all(user.id, TokenPurpose.RESET_PASSWORD, TokenPurpose.CHANGE_EMAIL)
    await tokens.end_other_sessions(user.id, token)
    await tell(NoticeKind.PASSWORD_CHANGED, user)
    await note(TrailKind.PASSWORD_CHANGED, user, User=user.id)
    return await User.get(id=user.id)


async def _create(address: str, password_hash: str, name: str, locale: str | None) -> User:
    user = await User.create(
        email=address,
        password_hash=password_hash,
        name=names.on_one_line(name),
        locale=letters.language_of(locale),
    )
    await _ask_to_verify(user)
    return user


async def _create_or_tell(address: str, create: Callable[[], Awaitable[User]]) -> None:
    """By the same statements either way, so that the time tells nothing of the address."""
    holder = await User.get_or_none(email=address)
    if holder is None:
        await create()
    elif holder.email_verified_at is None:
        await _ask_to_verify(holder)
    elif await tokens.claim_mail(holder, TokenPurpose.VERIFY_EMAIL):
        await tell(NoticeKind.EMAIL_IN_USE, holder)


async def _end(session: Token) -> None:
    await session.delete()
    await record(SessionsEnded(session.user_id))


async def _ask_to_verify(user: User) -> None:
    if await tokens.claim_mail(user, TokenPurpose.VERIFY_EMAIL):
        await record(EmailVerificationRequested(user.id))


async def _ask_to_reset(user: User, locale: str | None) -> None:
    if await tokens.claim_mail(user, TokenPurpose.RESET_PASSWORD):
        await record(PasswordResetRequested(user.id, locale))


async def _issue_reset(user_id: int) -> tuple[User, str] | None:
    user = await tokens.locked(user_id)
    return None if user is None else (user, await tokens.issue(user, TokenPurpose.RESET_PASSWORD))


async def _session(
    user: User, password_hash: str, client: str, idle: timedelta, code: str | None = None
) -> str:
    """A session, unless the user has another password by now, or is blocked; locks the user's row.

    The hash that is kept of the password is ``password_hash`` from then on.
    """
    unchanged = User.filter(id=user.id, password_hash=user.password_hash, blocked_at__isnull=True)
    if not await unchanged.filter(second_factor_at__isnull=code is None).update(password_hash=password_hash):
        raise _bad_credentials()
    if code is not None:
        await second_factor.redeem(user, code)
    await note(TrailKind.SIGNED_IN, user, User=user.id)
    return await tokens.issue(user, TokenPurpose.SESSION, client=client or None, lasts=idle)


def _bad_credentials(may_be_unverified: bool = False) -> Refused:
    words = "the address or the password is wrong"
    also = f"{words}, or the address is not confirmed yet: the link is in your mail"
    return refuse(Code.BAD_CREDENTIALS, also if may_be_unverified else words)
