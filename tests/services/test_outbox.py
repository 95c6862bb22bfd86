"""The outbox: rows and their events commit together, and each event is published once, in order."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from tortoise.exceptions import IntegrityError

from events.log import Entry, Interest
from events.memory import InProcessLog
from events.messages import Event, NewsPublished
from services import outbox as outbox_module
from services.journal import DatabaseJournal
from services.outbox import Outbox, record
from store.tables import ContactMessage, JournalEntry, OutboxEvent
from tests.people import eventually

pytestmark = pytest.mark.usefixtures("database")


class Crash(BaseException):
    """The end of the process."""


class Shaky(InProcessLog):
    """A log that fails as often as a test says, before or after it has published."""

    fail_before = fail_after = 0
    fault: BaseException = ConnectionError("the log is away")

    async def publish(self, entries: Sequence[Entry]) -> None:
        if self.fail_before:
            self.fail_before -= 1
            raise self.fault
        await super().publish(entries)
        if self.fail_after:
            self.fail_after -= 1
            raise self.fault


@pytest.fixture
def log() -> Shaky:
    return Shaky(DatabaseJournal())


@pytest.fixture
def outbox(log: Shaky) -> Outbox:
    return Outbox(log)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "RETRY_SECONDS", 0.01)


@asynccontextmanager
async def relaying(outbox: Outbox) -> AsyncIterator[asyncio.Task[None]]:
    relay = asyncio.create_task(outbox.relay())
    try:
        yield relay
    finally:
        relay.cancel()
        await asyncio.wait([relay])


async def write(number: int) -> None:
    """A row and the event that tells of it."""
    await ContactMessage.create(name="Ana", email="a@b.example", subject=str(number), body="")
    await record(NewsPublished(number))


async def published() -> list[int]:
    """What the log holds, in its order."""
    rows = await JournalEntry.all().order_by("position")
    return [row.payload["post_id"] for row in rows]


async def everything_is_out() -> bool:
    return not await OutboxEvent.exists()


async def _left_are(kinds: list[str]) -> bool:
    return await OutboxEvent.all().values_list("kind", flat=True) == kinds


async def test_a_row_and_its_event_commit_together(outbox: Outbox) -> None:
    await outbox.commit(lambda: write(1))
    assert await ContactMessage.all().count() == 1
    assert await OutboxEvent.all().values_list("kind", flat=True) == ["NewsPublished"]


async def test_a_rollback_leaves_neither(outbox: Outbox) -> None:
    async def write_and_fail() -> None:
        await write(1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await outbox.commit(write_and_fail)
    assert not await ContactMessage.exists()
    assert not await OutboxEvent.exists()


async def test_the_commit_answers_with_what_the_transaction_returned(outbox: Outbox) -> None:
    async def answer() -> int:
        return 42

    assert await outbox.commit(answer) == 42


async def test_publishes_everything_once_in_order(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "BATCH", 3)
    async with relaying(outbox):
        for number in range(20):
            await outbox.commit(lambda n=number: write(n))
        assert await eventually(everything_is_out)
    assert await published() == list(range(20))


async def test_what_was_committed_is_heard_once_streams_were_given_it(outbox: Outbox, log: Shaky) -> None:
    now = asyncio.get_running_loop().time
    listening = log.stream(await log.head(), frozenset({Interest(NewsPublished)}))
    first = asyncio.ensure_future(anext(listening))
    await asyncio.sleep(0.1)
    began = now()
    await outbox.heard(30)
    assert now() - began < 10, "where nothing was committed"
    for number in range(3):
        await outbox.commit(lambda number=number: write(number))
    began = now()
    await outbox.heard(0.2)
    assert now() - began >= 0.2, "before it is published"
    async with relaying(outbox):
        await first
        await outbox.heard(0.2)
        assert now() - began >= 0.4, "before the stream was given all of it"
        await anext(listening)
        await anext(listening)
        began = now()
        await outbox.heard(30)
        assert now() - began < 10
    await listening.aclose()


async def test_publishes_what_commits_at_the_same_time(outbox: Outbox) -> None:
    async with relaying(outbox):
        await asyncio.gather(*(outbox.commit(lambda n=number: write(n)) for number in range(40)))
        assert await eventually(everything_is_out)
    assert sorted(await published()) == list(range(40))


async def test_publishes_what_was_left_by_a_process_that_died(outbox: Outbox) -> None:
    for number in range(3):
        await outbox.commit(lambda n=number: write(n))
    async with relaying(Outbox(InProcessLog(DatabaseJournal()))):
        assert await eventually(everything_is_out)
    assert await published() == [0, 1, 2]


async def test_after_a_crash_between_publishing_and_forgetting_nothing_is_published_twice(
    outbox: Outbox, log: Shaky
) -> None:
    log.fault, log.fail_after = Crash(), 1
    async with relaying(outbox) as relay:
        await outbox.commit(lambda: write(1))
        await asyncio.wait([relay], timeout=5)
        assert isinstance(relay.exception(), Crash)
    assert await OutboxEvent.all().count() == 1
    assert await published() == [1]
    await outbox.commit(lambda: write(2))
    async with relaying(Outbox(InProcessLog(DatabaseJournal()))):
        assert await eventually(everything_is_out)
    assert await published() == [1, 2]


@pytest.mark.usefixtures("impatient")
async def test_a_log_that_fails_delays_and_loses_nothing(outbox: Outbox, log: Shaky) -> None:
    log.fail_before, log.fail_after = 3, 1
    async with relaying(outbox):
        for number in range(10):
            await outbox.commit(lambda n=number: write(n))
        assert await eventually(everything_is_out)
    assert log.fail_before == log.fail_after == 0
    assert await published() == list(range(10))


async def test_a_caller_that_hangs_up_does_not_delay_the_event(outbox: Outbox) -> None:
    async with relaying(outbox):
        await asyncio.sleep(0.05)  # the relay waits to be woken
        committing = asyncio.create_task(outbox.commit(lambda: write(1)))
        await asyncio.sleep(0)
        committing.cancel()
        await asyncio.wait([committing])
        assert committing.cancelled()
        assert await eventually(published, seconds=outbox_module.SWEEP_SECONDS / 2) == [1]


async def test_finds_what_another_process_committed(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "SWEEP_SECONDS", 0.05)
    async with relaying(outbox):
        await asyncio.sleep(0.02)
        await record(NewsPublished(7))
        assert await eventually(published) == [7]


async def test_one_that_commits_without_an_end_finds_it_too(
    outbox: Outbox, log: Shaky, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "SWEEP_SECONDS", 0.05)
    publish = log.publish

    async def while_more_is_committed(entries: Sequence[Entry]) -> None:
        await publish(entries)
        await outbox.commit(lambda: write(1))

    async def is_out() -> bool:
        return 7 in await published()

    monkeypatch.setattr(log, "publish", while_more_is_committed)
    async with relaying(outbox):
        await outbox.commit(lambda: write(1))
        assert await eventually(published)
        await record(NewsPublished(7))
        assert await eventually(is_out)


async def test_leaves_what_others_commit_to_them(outbox: Outbox) -> None:
    """Of two processes that publish what either commits each would publish everything, once in vain."""
    async with relaying(outbox):
        await outbox.commit(lambda: write(1))
        assert await eventually(everything_is_out)
        await record(NewsPublished(2))
        await outbox.commit(lambda: write(3))
        await asyncio.sleep(0.5)
        assert await published() == [1, 3]


@pytest.mark.usefixtures("impatient")
async def test_remembers_so_many_while_the_log_is_away_and_finds_the_others(
    outbox: Outbox, log: Shaky, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_module, "REMEMBERED", 3)
    monkeypatch.setattr(outbox_module, "SWEEP_SECONDS", 0.05)
    log.fail_before = 2
    for number in range(10):
        await outbox.commit(lambda n=number: write(n))
    async with relaying(outbox):
        assert await eventually(everything_is_out)
    assert await published() == list(range(10))


async def test_what_a_transaction_undid_is_not_published(outbox: Outbox) -> None:
    async def undone() -> None:
        await write(1)
        raise RuntimeError

    async with relaying(outbox):
        with pytest.raises(RuntimeError):
            await outbox.commit(undone)
        await outbox.commit(lambda: write(2))
        assert await eventually(everything_is_out)
    assert await published() == [2]


async def test_an_event_of_another_version_waits_and_holds_nothing_up(outbox: Outbox, log: Shaky) -> None:
    await OutboxEvent.create(uid="0", kind="NotInventedYet", payload={"post_id": 0})
    async with relaying(outbox):
        await outbox.commit(lambda: write(1))
        assert await eventually(published) == [1]
        await eventually(lambda: _left_are(["NotInventedYet"]))


async def test_a_log_passes_over_events_of_another_version(log: Shaky) -> None:
    happened: list[Event] = []
    await log.publish([Entry("1", NewsPublished(1))])
    await JournalEntry.create(uid="2", kind="NotInventedYet", payload={"post_id": 2})
    await InProcessLog(DatabaseJournal()).publish([Entry("3", NewsPublished(3))])
    async with asyncio.timeout(5):
        async for delivery in InProcessLog(DatabaseJournal()).stream(0):
            happened.append(delivery.event)
            if len(happened) == 2:
                break
    assert happened == [NewsPublished(1), NewsPublished(3)]


async def test_no_two_events_share_a_uid() -> None:
    await asyncio.gather(*(record(NewsPublished(1)) for _ in range(20)))
    uids = await OutboxEvent.all().values_list("uid", flat=True)
    assert len(set(uids)) == 20
    with pytest.raises(IntegrityError):
        await OutboxEvent.create(uid=uids[0], kind="NewsPublished", payload={})
