"""The endpoint on stand-ins, and who asks it."""

from collections.abc import AsyncIterator

import httpx
import pytest

from services.platform import Platform
from store.tables import User
from tests import people
from tests.asking import Asker, application
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
async def address(platform: Platform) -> AsyncIterator[str]:
    """Where a real server listens."""
    async with listening(platform) as where:
        yield where
