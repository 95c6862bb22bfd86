"""Reactions: every event's work is tried again, given up in the end, and outlives faults of the log."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from events.log import Delivery, Entry
from events.memory import InProcessLog
from events.messages import KINDS, Event, ModelPromoted, NewsPublished, RetrainingRequested
from services import reactions
from services.journal import DatabaseJournal
from services.letters import Undeliverable
from services.platform import Platform
from services.reactions import Gate, Handler, Reaction
from tests.people import eventually


@dataclass
class Watched:
    """A handler that fails as often as a test says, and remembers when it was called and for what."""

    failures: int = 0
    error: Exception = field(default_factory=lambda: RuntimeError("as the test asked"))
    calls: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    under_way: int = 0
    most: int = 0
    pause: Callable[[], Awaitable[object]] = field(default=lambda: asyncio.sleep(0))

    async def __call__(self, event: NewsPublished) -> None:
        self.calls.append(event.post_id)
        self.times.append(asyncio.get_running_loop().time())
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await self.pause()
            if len(self.calls) <= self.failures:
                raise self.error
        finally:
            self.under_way -= 1


class Moody(DatabaseJournal):
    """A journal that can be away."""

    away = False

    async def read(self, after: int, limit: int) -> list[Delivery]:
        self._complain()
        return await super().read(after, limit)

    async def bounds(self) -> tuple[int, int]:
        self._complain()
        return await super().bounds()

    async def progress(self, group: str) -> int | None:
        self._complain()
        return await super().progress(group)

    async def save_progress(self, group: str, position: int) -> None:
        self._complain()
        await super().save_progress(group, position)

    def _complain(self) -> None:
        if self.away:
            raise ConnectionError("the database is away")


@pytest.fixture
def journal(database: str) -> Moody:
    return Moody()


@pytest.fixture
def log(journal: Moody) -> InProcessLog:
    return InProcessLog(journal)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reactions, "FIRST_PAUSE_SECONDS", 0.01)


def posts(first: int, last: int) -> list[Entry]:
    return [Entry(f"uid-{number}", NewsPublished(number)) for number in range(first, last + 1)]


@asynccontextmanager
async def reacting(log: InProcessLog, reaction: Reaction) -> AsyncIterator[None]:
    """The work of one reaction to news, as a process does it."""
    once = lambda: reactions._work(log, NewsPublished, reaction)  # noqa: E731
    working = asyncio.create_task(reactions._for_ever(reaction.group, once))
    try:
        yield
    finally:
        working.cancel()
        await asyncio.wait([working])
        assert working.cancelled()


async def called(handler: Watched, times: int) -> list[int]:
    """The events that a handler was called for, once it was called so often, and no oftener."""
    await eventually(lambda: asyncio.sleep(0, len(handler.calls) >= times))
    await asyncio.sleep(0.05)
    assert len(handler.calls) == times
    return handler.calls


async def test_each_event_is_handled_once_in_order(log: InProcessLog) -> None:
    handler = Watched()
    async with reacting(log, Reaction("news", handler)):
        await log.publish(posts(1, 3))
        await log.publish(posts(4, 5))
        assert await called(handler, 5) == [1, 2, 3, 4, 5]
    async with reacting(InProcessLog(DatabaseJournal()), Reaction("news", handler)):
        assert await called(handler, 5) == [1, 2, 3, 4, 5]


async def test_what_fails_again_and_again_stands_in_nobodys_way(
    log: InProcessLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reactions, "FIRST_PAUSE_SECONDS", 60.0)
    done = asyncio.Event()

    async def handler(event: NewsPublished) -> None:
        if event.post_id < 3:
            raise OSError("away")
        done.set()

    async with reacting(log, Reaction("news", handler, 1)):
        for post_id in (1, 2, 3):
            await log.publish([Entry(str(post_id), NewsPublished(post_id))])
        async with asyncio.timeout(5):
            await done.wait()


@pytest.mark.parametrize("at_once", [1, 3])
async def test_handles_so_many_at_once_and_no_more(log: InProcessLog, at_once: int) -> None:
    gate = asyncio.Event()
    handler = Watched(pause=gate.wait)
    await log.publish(posts(1, 8))
    async with reacting(log, Reaction("news", handler, at_once)):
        assert len(await called(handler, at_once)) == at_once
        gate.set()
        await called(handler, 8)
    assert handler.most == at_once


async def test_tries_again_after_pauses_that_double(log: InProcessLog) -> None:
    handler = Watched(failures=4)
    async with reacting(log, Reaction("news", handler)):
        await log.publish(posts(1, 1))
        assert await called(handler, 5) == [1] * 5
    pauses = [later - earlier for earlier, later in zip(handler.times, handler.times[1:], strict=False)]
    assert all(pause >= 0.0099 * 2**step for step, pause in enumerate(pauses))
    assert pauses[0] < 0.08 <= pauses[3]


async def test_no_pause_is_longer_than_the_longest(
    log: InProcessLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reactions, "LONGEST_PAUSE_SECONDS", 0.01)
    handler = Watched(failures=12)
    async with reacting(log, Reaction("news", handler, attempts=reactions.FOR_EVER)):
        await log.publish(posts(1, 1))
        await called(handler, 13)


async def test_gives_up_after_the_last_attempt_and_goes_on(log: InProcessLog) -> None:
    handler, given_up = Watched(failures=3), Watched()
    async with reacting(log, Reaction("news", handler, attempts=3, give_up=given_up)):
        await log.publish(posts(1, 1))
        assert await called(given_up, 1) == [1]
        await log.publish(posts(2, 2))
        assert await called(handler, 4) == [1, 1, 1, 2]
    async with reacting(InProcessLog(DatabaseJournal()), Reaction("news", handler)):
        await called(handler, 4)


async def test_giving_up_is_tried_again_too(log: InProcessLog) -> None:
    handler, given_up = Watched(failures=100), Watched(failures=2)
    async with reacting(log, Reaction("news", handler, attempts=1, give_up=given_up)):
        await log.publish(posts(1, 1))
        assert await called(given_up, 3) == [1, 1, 1]


async def test_an_event_that_fails_holds_no_other_back(log: InProcessLog) -> None:
    class Picky(Watched):
        async def __call__(self, event: NewsPublished) -> None:
            await super().__call__(event)
            if event.post_id == 1:
                raise RuntimeError("never that one")

    handler = Picky()
    async with reacting(log, Reaction("news", handler, 2, reactions.FOR_EVER)):
        await log.publish(posts(1, 5))
        await eventually(lambda: asyncio.sleep(0, {1, 2, 3, 4, 5} <= set(handler.calls)))


async def test_letters_that_nobody_will_ever_take_are_not_sent_again(log: InProcessLog) -> None:
    handler = Watched(failures=2, error=Undeliverable("no such person"))
    async with reacting(log, Reaction("news", handler, attempts=reactions.FOR_EVER)):
        await log.publish(posts(1, 3))
        assert await called(handler, 3) == [1, 2, 3]


async def test_what_a_process_left_undone_the_next_one_does(log: InProcessLog) -> None:
    handler = Watched(pause=asyncio.Event().wait)
    await log.publish(posts(1, 3))
    async with reacting(log, Reaction("news", handler, 2)):
        assert await called(handler, 2) == [1, 2]
    handler = Watched()
    async with reacting(InProcessLog(DatabaseJournal()), Reaction("news", handler)):
        assert await called(handler, 3) == [1, 2, 3]


async def test_outlives_a_log_that_is_away(log: InProcessLog, journal: Moody) -> None:
    handler = Watched()
    journal.away = True
    async with reacting(log, Reaction("news", handler)):
        await asyncio.sleep(0.05)
        await DatabaseJournal().append(posts(1, 2))
        journal.away = False
        assert await called(handler, 2) == [1, 2]


async def test_outlives_a_log_that_goes_away_while_it_works(
    log: InProcessLog, journal: Moody, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was done as it went may be done once more; nothing is left out."""
    monkeypatch.setattr("events.memory.SAVE_EVERY_SECONDS", 0)
    handler = Watched()
    async with reacting(log, Reaction("news", handler)):
        await log.publish(posts(1, 2))
        await called(handler, 2)
        journal.away = True
        await log.publish(posts(3, 5))
        await asyncio.sleep(0.05)
        journal.away = False
        await eventually(lambda: asyncio.sleep(0, handler.calls[-1] == 5))
    assert sorted(set(handler.calls)) == [1, 2, 3, 4, 5]
    assert handler.calls.count(1) == 1


@dataclass
class Returned:
    """A job that came back so often: whoever had it did not live to end it."""

    delivered: int
    event: Event
    is_done: bool = False

    @property
    def delivery(self) -> Delivery:
        return Delivery(1, self.event)

    async def done(self) -> None:
        self.is_done = True


@pytest.mark.parametrize(("delivered", "tried"), [(1, 3), (3, 1), (4, 0)])
async def test_what_ends_its_process_is_given_up_as_what_fails(
    monkeypatch: pytest.MonkeyPatch, delivered: int, tried: int
) -> None:
    monkeypatch.setattr(reactions, "FIRST_PAUSE_SECONDS", 0)
    calls: list[str] = []

    async def fail(event: Event) -> None:
        calls.append("tried")
        raise RuntimeError

    async def give_up(event: Event) -> None:
        calls.append("given up")

    job = Returned(delivered, NewsPublished(1))
    await reactions._carry_out(job, Reaction("news", fail, attempts=3, give_up=give_up), Gate(1))
    assert calls == [*["tried"] * tried, "given up"]
    assert job.is_done


async def test_what_may_have_ended_its_process_is_tried_with_nothing_beside_it() -> None:
    gate, under_way, together, calls = Gate(3), 0, list[int](), list[str]()

    def noting(name: str) -> Handler:
        async def handle(event: NewsPublished) -> None:
            nonlocal under_way
            under_way += 1
            calls.append(name)
            await asyncio.sleep(0.02)
            together.append(under_way if name == "returned" else 0)
            under_way -= 1

        return handle

    reaction = Reaction("news", noting("new"), attempts=3, returned=noting("returned"))
    jobs = [Returned(1 + number % 2 * 4, NewsPublished(number)) for number in range(8)]
    await asyncio.gather(*(reactions._carry_out(job, reaction, gate) for job in jobs))
    assert sorted(calls) == ["new"] * 4 + ["returned"] * 4
    assert max(together) == 1
    assert all(job.is_done for job in jobs)


async def test_reacts_to_events_that_there_are_each_in_a_group_of_its_own(platform: Platform) -> None:
    table = reactions.jobs(platform)
    assert set(table) <= set(KINDS.values())
    groups = [reaction.group for reaction in table.values()]
    assert len(set(groups)) == len(groups)
    assert set(reactions.everywhere(platform)) == {ModelPromoted}


@pytest.mark.parametrize("kind", [RetrainingRequested, ModelPromoted])
async def test_never_gives_up_what_nothing_else_would_begin_again(
    platform: Platform, kind: type[Event]
) -> None:
    assert reactions.jobs(platform)[kind].attempts == reactions.FOR_EVER


async def test_every_process_swaps_its_model(platform: Platform) -> None:
    """A second process of the same platform, which does none of the work, hears of the promotion."""
    swapped: list[Event] = []

    async def swap(event: Event) -> None:
        swapped.append(event)

    async def catch_up() -> None:
        swapped.append(ModelPromoted(0, None))

    listening = asyncio.create_task(reactions._listen(platform.log, {ModelPromoted: swap}, catch_up))
    await eventually(lambda: asyncio.sleep(0, swapped))
    await platform.log.publish([Entry("1", NewsPublished(1)), Entry("2", ModelPromoted(1, None))])
    await eventually(lambda: asyncio.sleep(0, len(swapped) > 1))
    listening.cancel()
    assert swapped == [ModelPromoted(0, None), ModelPromoted(1, None)]


def reacting_tasks() -> set[asyncio.Task[object]]:
    """The tasks that run code of reactions; drivers of databases have tasks of their own."""
    return {task for task in asyncio.all_tasks() if task.get_coro().cr_code.co_filename == reactions.__file__}


async def test_stops_when_it_is_told_to(platform: Platform) -> None:
    before = reacting_tasks()
    working = asyncio.create_task(reactions.work(replace(platform, log=InProcessLog(DatabaseJournal()))))
    await asyncio.sleep(0.1)
    assert len(reacting_tasks()) > len(before) + len(reactions.jobs(platform))
    working.cancel()
    await asyncio.wait([working])
    assert reacting_tasks() == before
