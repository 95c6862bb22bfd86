"""Members and administrators for tests, made without the mails and the slow hash."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from services import tokens
from store.tables import Role, Token, TokenPurpose, User

T = TypeVar("T")


async def member(email: str = "ana@hospital.example") -> User:
    """A member whose address is confirmed."""
    return await _user(email, Role.MEMBER)


async def admin(email: str = "chief@hospital.example") -> User:
    """An administrator."""
    return await _user(email, Role.ADMIN)


async def signed_in(user: User) -> User:
    """The user, asking in a session more."""
    token = await tokens.issue(user, TokenPurpose.SESSION)
    user.session_id = (await Token.get(sha256=tokens.digest(token))).id
    return user


async def _user(email: str, role: Role) -> User:
    name = email.partition("@")[0].title()
    return await User.create(
        email=email, name=name, role=role, password_hash="none", email_verified_at=datetime.now(UTC)
    )


async def eventually(ask: Callable[[], Awaitable[T]], seconds: float = 30) -> T:
    """What ``ask`` returns once it is true, asked again and again; long for a machine that is busy."""
    async with asyncio.timeout(seconds):
        while not (answer := await ask()):
            await asyncio.sleep(0.02)
        return answer
