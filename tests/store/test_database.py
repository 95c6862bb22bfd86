"""Databases: opening, migrating, and transactions that stand cancellation."""

import asyncio
import random
import sqlite3
from contextvars import Context
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tortoise import connections
from tortoise.exceptions import OperationalError
from tortoise.expressions import F

from store.database import (
    DatabaseUrlError,
    atomically,
    configuration,
    migrate,
    open_database,
    sqlite_url,
)
from store.tables import ConsumerPosition, OutboxEvent
from tests import databases
from tests.people import eventually

ROUNDS = 250


async def write_pair(kind: str) -> None:
    """Two rows that are together or not at all."""
    for half in (1, 2):
        await OutboxEvent.create(uid=f"{kind}/{half}", kind=kind, payload={})


async def rows_of(kind: str) -> int:
    return await OutboxEvent.filter(kind=kind).count()


async def nothing_is_borrowed() -> bool:
    """Whether every pooled connection is back; SQLite has one connection and a lock."""
    client = connections.all()[0]
    if hasattr(client, "_pool"):
        return client._pool.size == client._pool.freesize
    return not client._lock.locked()


async def test_migrating_again_changes_nothing(database_url: str) -> None:
    async with open_database(database_url):
        await OutboxEvent.create(uid="kept", kind="kept", payload={"a": [1, None, "é"]})
    for _ in range(2):
        await migrate(database_url)
    async with open_database(database_url):
        assert (await OutboxEvent.get(uid="kept")).payload == {"a": [1, None, "é"]}


async def test_migrating_disturbs_no_open_database(database: str) -> None:
    await migrate(database)
    await write_pair("after")
    assert await rows_of("after") == 2


async def test_makes_a_new_file_whatever_its_folder_is_called(tmp_path: Path) -> None:
    folder = tmp_path / "Röntgen 100% #1? a&b=c;d"
    folder.mkdir()
    url = sqlite_url(folder / "covid-xr.sqlite")
    await migrate(url)
    async with open_database(url):
        await write_pair("here")
        assert await rows_of("here") == 2
    assert (folder / "covid-xr.sqlite").stat().st_size > 0


@pytest.mark.parametrize("url", ["", "covid-xr.sqlite", "postgres://u:secret@h/n", "sqlite3:///x", "://"])
def test_refuses_other_databases_without_telling_the_password(url: str) -> None:
    with pytest.raises(DatabaseUrlError) as refused:
        configuration(url)
    assert "secret" not in str(refused.value)


@pytest.mark.usefixtures("database")
async def test_a_task_from_elsewhere_finds_the_connection() -> None:
    task = asyncio.get_running_loop().create_task(write_pair("elsewhere"), context=Context())
    await task
    assert await rows_of("elsewhere") == 2


@pytest.mark.usefixtures("database")
async def test_commits_and_returns() -> None:
    async def body() -> str:
        await write_pair("kept")
        assert await rows_of("kept") == 2
        return "done"

    assert await atomically(body) == "done"
    assert await rows_of("kept") == 2


@pytest.mark.usefixtures("database")
async def test_a_failure_leaves_nothing() -> None:
    async def body() -> None:
        await write_pair("undone")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await atomically(body)
    assert await rows_of("undone") == 0
    assert await eventually(nothing_is_borrowed)


@pytest.mark.usefixtures("database")
async def test_transactions_at_once_lose_no_update() -> None:
    await ConsumerPosition.create(group="counter", position=0)

    async def count() -> int:
        await ConsumerPosition.filter(group="counter").update(position=F("position") + 1)
        return (await ConsumerPosition.get(group="counter")).position

    seen = await asyncio.gather(*(atomically(count) for _ in range(60)))
    assert sorted(seen) == list(range(1, 61))


@pytest.mark.usefixtures("database")
async def test_of_two_that_lock_each_other_out_both_succeed() -> None:
    for group in ("left", "right"):
        await ConsumerPosition.create(group=group, position=0)
    begun = []

    async def both(first: str, second: str) -> None:
        await ConsumerPosition.filter(group=first).update(position=F("position") + 1)
        begun.append(first)
        for _ in range(20):  # until the other has its first row, where the database lets it
            if len(begun) < 2:
                await asyncio.sleep(0.01)
        await ConsumerPosition.filter(group=second).update(position=F("position") + 1)

    await asyncio.gather(atomically(lambda: both("left", "right")), atomically(lambda: both("right", "left")))
    assert await ConsumerPosition.filter(position=2).count() == 2
    assert await eventually(nothing_is_borrowed)


@pytest.mark.usefixtures("database")
async def test_cancelled_at_any_moment_a_transaction_goes_to_its_end() -> None:
    """All or nothing: the odd ones fail between their two rows, the even ones commit."""
    chance = random.Random(7)

    async def body(number: int) -> None:
        await write_pair(f"pair-{number}")
        if number % 2:
            raise ZeroDivisionError

    async def cancelled(number: int) -> None:
        task = asyncio.create_task(atomically(lambda: body(number)))
        for _ in range(chance.randint(1, 40)):
            await asyncio.sleep(0)
        await asyncio.sleep(chance.choice([0, 0, 0.001, 0.003]))
        task.cancel()
        await asyncio.wait([task])
        assert await rows_of(f"pair-{number}") == (0 if number % 2 else 2)

    for start in range(0, ROUNDS, 25):
        await asyncio.wait_for(asyncio.gather(*(cancelled(start + n) for n in range(25))), 30)
    assert await eventually(nothing_is_borrowed)


@pytest.mark.usefixtures("database")
async def test_cancelled_again_and_again_it_is_over_when_it_returns() -> None:
    begun, ended = [], []

    async def body(number: int) -> None:
        begun.append(number)
        await write_pair(f"pair-{number}")
        ended.append(number)

    for number in range(30):
        task = asyncio.create_task(atomically(lambda n=number: body(n)))
        await asyncio.sleep(0)
        while not task.done():
            task.cancel()
            for _ in range(1 + number % 7):
                await asyncio.sleep(0)
        assert begun == ended == list(range(number + 1))
        assert await nothing_is_borrowed()
        assert await rows_of(f"pair-{number}") == 2


@pytest.mark.usefixtures("database")
async def test_cancelled_queries_without_a_transaction_leak_nothing() -> None:
    chance = random.Random(8)
    await write_pair("first")

    async def cancelled(number: int) -> None:
        task = asyncio.create_task(write_pair(f"pair-{number}"))
        for _ in range(chance.randint(0, 40)):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    for start in range(0, ROUNDS, 50):
        await asyncio.wait_for(asyncio.gather(*(cancelled(start + n) for n in range(50))), 30)
        assert await asyncio.wait_for(rows_of("first"), 5) == 2
    assert await eventually(nothing_is_borrowed)


async def test_the_first_query_may_be_cancelled(database_url: str) -> None:
    for steps in range(25):
        async with open_database(database_url):
            task = asyncio.create_task(rows_of("first"))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            assert await asyncio.wait_for(rows_of("first"), 5) == 0


async def test_waits_for_another_process_that_writes(sqlite_template: Path, tmp_path: Path) -> None:
    url = databases.sqlite_copy(sqlite_template, tmp_path)
    async with open_database(url):
        await write_pair("first")
        other = sqlite3.connect(url.removeprefix("sqlite://"), isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(atomically(lambda: write_pair("waited")))
        await asyncio.sleep(0.1)
        assert not writing.done()
        other.execute("COMMIT")
        other.close()
        await writing
        assert await rows_of("waited") == 2


async def test_a_query_that_is_wrong_gives_its_connection_back(database: str) -> None:
    client = connections.get(urlsplit(database).scheme)
    for _ in range(30):
        with pytest.raises(OperationalError):
            await client.execute_query("SELECT nothing FROM nowhere")
    assert await eventually(nothing_is_borrowed)
