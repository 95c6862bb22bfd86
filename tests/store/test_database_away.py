"""A database that dies, comes back, or stands and says nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial

import pytest
from pymysql.err import InterfaceError, OperationalError
from tortoise.exceptions import OperationalError as QueryFailed

from store.database import MYSQL_POOL_SIZE, atomically, migrate, open_database
from store.database_faults import DatabaseAway, is_away
from store.tables import ConsumerPosition
from tests.mariadb import MariaDb, mariadb
from tests.people import eventually

PATIENCE_SECONDS = 0.5
MORE_THAN_THE_POOL = MYSQL_POOL_SIZE + 5

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    with mariadb(tmp_path_factory.mktemp("mariadb")) as one:
        asyncio.run(migrate(one.url))
        yield one


@pytest.fixture
async def impatient(server: MariaDb) -> AsyncIterator[None]:
    """The database, open, for somebody who does not wait for long."""
    async with open_database(server.url, PATIENCE_SECONDS):
        yield


async def write() -> None:
    await ConsumerPosition.filter(group="somebody").delete()
    await ConsumerPosition.create(group="somebody", position=1)


async def read() -> int:
    return await ConsumerPosition.all().count()


async def in_transaction() -> None:
    await atomically(write)


async def succeeds(use: Callable[[], Awaitable[object]]) -> bool:
    """Whether all that ask are answered; a busy machine may not be as quick as they want at first."""
    outcomes = await asyncio.gather(*(use() for _ in range(MORE_THAN_THE_POOL)), return_exceptions=True)
    assert all(isinstance(one, DatabaseAway) for one in outcomes if isinstance(one, BaseException)), outcomes
    return not any(isinstance(one, BaseException) for one in outcomes)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_a_database_that_was_away_is_used_again_without_a_restart(server: MariaDb, how: str) -> None:
    # All of the pool's connections are there, and none of them survives.
    await asyncio.gather(*(read() for _ in range(MYSQL_POOL_SIZE)))
    getattr(server, how)()
    for use in (in_transaction, read):
        outcomes = await asyncio.gather(*(use() for _ in range(MORE_THAN_THE_POOL)), return_exceptions=True)
        assert all(isinstance(one, Exception) and is_away(one) for one in outcomes), outcomes
    server.start()
    async with asyncio.timeout(60):
        for use in (in_transaction, read):
            await asyncio.gather(*(use() for _ in range(MORE_THAN_THE_POOL)))


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("connections", [1, MYSQL_POOL_SIZE])
async def test_a_database_that_says_nothing_is_not_waited_for(server: MariaDb, connections: int) -> None:
    await asyncio.gather(*(read() for _ in range(connections)))
    server.freeze()
    try:
        for use in (in_transaction, read):
            async with asyncio.timeout(60):
                outcomes = await asyncio.gather(
                    *(use() for _ in range(MORE_THAN_THE_POOL)), return_exceptions=True
                )
            assert {type(one) for one in outcomes} == {DatabaseAway}
    finally:
        server.thaw()
    for use in (in_transaction, read):
        assert await eventually(partial(succeeds, use), seconds=60)


@pytest.mark.usefixtures("impatient")
async def test_a_transaction_whose_database_dies_within_it_is_undone(server: MariaDb) -> None:
    async def body() -> None:
        await ConsumerPosition.create(group="half", position=1)
        await asyncio.to_thread(server.kill)
        await ConsumerPosition.create(group="other half", position=1)

    with pytest.raises(Exception) as failed:  # noqa: PT011 - of several kinds, by where it notices
        await atomically(body)
    assert is_away(failed.value)
    server.start()
    assert not await ConsumerPosition.filter(group__in=["half", "other half"]).exists()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (QueryFailed(OperationalError(2013, "Lost connection to MySQL server during query")), True),
        (QueryFailed(OperationalError(2026, "the server offers no TLS")), True),
        (QueryFailed(OperationalError(1213, "Deadlock found")), False),
        (InterfaceError(0, "Not connected"), True),
        (ConnectionResetError(), True),
        (FileNotFoundError(), False),
        (ValueError(), False),
    ],
)
def test_what_may_come_back_is_known(error: Exception, expected: bool) -> None:
    assert is_away(error) is expected
