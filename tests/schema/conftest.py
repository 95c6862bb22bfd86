"""The endpoint on stand-ins, and who asks it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from services import tokens
from services.platform import Platform
from store.tables import Role, TokenPurpose, User
from tests import people
from tests.asking import VIEWERS, Asker, application
from tests.listening import listening


@pytest.fixture
async def anybody(platform: Platform) -> AsyncIterator[Asker]:
    """Somebody who has not signed in."""
    transport = httpx.ASGITransport(application(platform))
    async with httpx.AsyncClient(transport=transport, base_url="http://covidxr.test") as client:
        yield Asker(client)


@pytest.fixture
async def ana(platform: Platform) -> User:
    """A member."""
    return await people.member()


@pytest.fixture
async def member(anybody: Asker, ana: User) -> Asker:
    """Ana, signed in."""
    return await anybody.signed_in(ana)


@pytest.fixture
async def other(anybody: Asker) -> Asker:
    """Another member, signed in."""
    return await anybody.signed_in(await people.member("eva@hospital.example"))


@pytest.fixture
async def admin(anybody: Asker) -> Asker:
    """An administrator, signed in."""
    return await anybody.signed_in(await people.admin())


@pytest.fixture
async def blocked(anybody: Asker, platform: Platform) -> Asker:
    """A member whose session an administrator has ended by a block."""
    user, chief = await people.member("out@hospital.example"), await people.admin("guard@hospital.example")
    asker = await anybody.signed_in(user)
    await platform.blocking.block(chief, user.id, "misuse")
    return asker


@pytest.fixture
async def unverified(anybody: Asker) -> Asker:
    """Somebody who has not confirmed the address, and holds nothing but the token of the mail."""
    user = await people.member("new@hospital.example")
    await User.filter(id=user.id).update(email_verified_at=None)
    return Asker(anybody.client, await tokens.issue(user, TokenPurpose.VERIFY_EMAIL))


@pytest.fixture
async def everybody(
    anybody: Asker, member: Asker, other: Asker, admin: Asker, blocked: Asker, unverified: Asker
) -> dict[str, Asker]:
    """By `VIEWERS`; the settings have to ask administrators for a second factor."""
    await User.filter(role=Role.ADMIN).update(second_factor_at=datetime.now(UTC))
    held_back = await anybody.signed_in(await people.admin("late@hospital.example"))
    asking = (anybody, member, other, admin, blocked, unverified, held_back)
    return dict(zip(VIEWERS, asking, strict=True))


@pytest.fixture
async def address(platform: Platform) -> AsyncIterator[str]:
    """Where a real server listens."""
    async with listening(platform) as where:
        yield where
