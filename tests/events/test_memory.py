"""The in-process log over the database: order, replay, live delivery, and work that survives a restart."""

import asyncio
import gc
import random
import weakref
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import pytest
from tortoise.exceptions import ValidationError

import events.memory
from events.log import CursorExpired, Delivery, Entry
from events.memory import InProcessJob, InProcessLog
from events.messages import ContactMessageReceived, Event, ImageUploaded, NewsPublished
from services.journal import DatabaseJournal
from store.tables import ConsumerPosition, JournalEntry
from tests.people import eventually

pytestmark = pytest.mark.usefixtures("database")

UPLOADS = frozenset[type[Event]]({ImageUploaded})


def entries(first: int, last: int) -> list[Entry]:
    """Uploads of the images from ``first`` to ``last``."""
    return [Entry(f"uid-{number}", ImageUploaded(number)) for number in range(first, last + 1)]


def numbers(deliveries: Sequence[Delivery]) -> list[int]:
    return [delivery.event.image_id for delivery in deliveries]


async def take(log: InProcessLog, after: int, count: int) -> list[Delivery]:
    """The next ``count`` deliveries behind ``after``."""
    taken: list[Delivery] = []
    async with asyncio.timeout(10), aclosing(log.stream(after)) as deliveries:
        async for delivery in deliveries:
            taken.append(delivery)
            if len(taken) == count:
                break
    return taken


async def jobs_of(
    log: InProcessLog, count: int, kinds: frozenset[type[Event]] = UPLOADS, group: str = "group"
) -> tuple[AsyncGenerator[InProcessJob], list[InProcessJob]]:
    """A group's work and its first ``count`` jobs, none of them done."""
    work = log.work(group, kinds)
    async with asyncio.timeout(10):
        return work, [await anext(work) for _ in range(count)]


class Mortal(DatabaseJournal):
    """A journal whose process can die: from then on it saves no progress."""

    dead = False
    saved = 0

    async def save_progress(self, group: str, position: int) -> None:
        if not self.dead:
            self.saved += 1
            await super().save_progress(group, position)


@pytest.fixture
def log() -> InProcessLog:
    return InProcessLog(DatabaseJournal())


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is saved with every job."""
    monkeypatch.setattr(events.memory, "SAVE_EVERY_SECONDS", 0)


async def test_an_empty_log_has_no_head_and_waits(log: InProcessLog) -> None:
    assert await log.head() == 0
    waiting = asyncio.create_task(take(log, 0, 1))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    await log.publish(entries(1, 1))
    assert numbers(await waiting) == [1]


async def test_publishes_in_order_at_rising_places(log: InProcessLog) -> None:
    await log.publish(entries(1, 3))
    await log.publish(entries(4, 5))
    deliveries = await take(log, 0, 5)
    assert numbers(deliveries) == [1, 2, 3, 4, 5]
    places = [delivery.position for delivery in deliveries]
    assert places == sorted(set(places))
    assert await log.head() == places[-1]


async def test_passes_over_what_it_has_already(log: InProcessLog) -> None:
    await log.publish(entries(1, 3))
    await log.publish(entries(2, 4))
    await log.publish([])
    assert numbers(await take(log, 0, 4)) == [1, 2, 3, 4]
    assert await JournalEntry.all().count() == 4


async def test_nothing_is_published_where_the_journal_fails(log: InProcessLog) -> None:
    with pytest.raises(ValidationError):
        await log.publish([*entries(1, 1), Entry("u" * 37, ImageUploaded(2))])
    assert not await JournalEntry.exists()
    await log.publish(entries(1, 1))
    assert numbers(await take(log, 0, 1)) == [1]


@pytest.mark.parametrize("seen", range(7))
async def test_replays_what_came_behind_a_place_and_goes_live(log: InProcessLog, seen: int) -> None:
    await log.publish(entries(1, 6))
    places = [0, *(delivery.position for delivery in await take(log, 0, 6))]
    following = asyncio.create_task(take(log, places[seen], 8 - seen))
    await asyncio.sleep(0)
    await log.publish(entries(7, 8))
    assert numbers(await following) == list(range(seen + 1, 9))


async def test_replays_across_a_restart(log: InProcessLog) -> None:
    await log.publish(entries(1, 4))
    second = (await take(log, 0, 2))[-1].position
    restarted = InProcessLog(DatabaseJournal())
    following = asyncio.create_task(take(restarted, second, 4))
    await asyncio.sleep(0.01)
    await restarted.publish(entries(3, 6))  # the outbox repeats what it is not sure of
    assert numbers(await following) == [3, 4, 5, 6]
    assert numbers(await take(restarted, 0, 6)) == [1, 2, 3, 4, 5, 6]


async def test_neither_gap_nor_repeat_while_it_grows(
    log: InProcessLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers start, stop, resume and fall behind while events come; the window and the pages are small."""
    monkeypatch.setattr(events.memory, "RECENT", 7)
    monkeypatch.setattr(events.memory, "PAGE", 3)
    log = InProcessLog(DatabaseJournal())
    chance = random.Random(1)

    async def publish() -> None:
        for first in range(1, 121, 4):
            await log.publish(entries(first, first + 3))
            await asyncio.sleep(chance.random() / 500)

    async def read() -> list[int]:
        seen: list[Delivery] = []
        while len(seen) < 120:
            count = min(chance.randint(1, 30), 120 - len(seen))
            seen += await take(log, seen[-1].position if seen else 0, count)
            await asyncio.sleep(chance.random() / 100)
        return numbers(seen)

    *readings, _ = await asyncio.gather(*(read() for _ in range(12)), publish())
    assert readings == [list(range(1, 121))] * 12


async def test_a_subscriber_that_sleeps_reads_the_journal(
    log: InProcessLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events.memory, "RECENT", 4)
    monkeypatch.setattr(events.memory, "PAGE", 5)
    log = InProcessLog(DatabaseJournal())
    await log.publish(entries(1, 1))
    async with asyncio.timeout(10), aclosing(log.stream(0)) as deliveries:
        first = await anext(deliveries)
        for number in range(2, 31):
            await log.publish(entries(number, number))
        rest = [await anext(deliveries) for _ in range(29)]
    assert numbers([first, *rest]) == list(range(1, 31))


async def test_publishers_at_once_give_everybody_one_order(log: InProcessLog) -> None:
    reading = [asyncio.create_task(take(log, 0, 60)) for _ in range(3)]
    await asyncio.gather(*(log.publish(entries(first, first + 2)) for first in range(1, 61, 3)))
    orders = [numbers(await one) for one in reading]
    assert orders[0] == orders[1] == orders[2] == numbers(await take(InProcessLog(DatabaseJournal()), 0, 60))
    assert sorted(orders[0]) == list(range(1, 61))


async def test_hundreds_of_subscribers_hear_everything(log: InProcessLog) -> None:
    reading = [asyncio.create_task(take(log, 0, 20)) for _ in range(300)]
    for number in range(1, 21):
        await log.publish(entries(number, number))
    assert [numbers(await one) for one in reading] == [list(range(1, 21))] * 300


async def drop_up_to(place: int) -> None:
    """Drop old events, as the sweep does, where one group has done them up to a place."""
    await ConsumerPosition.create(group="slow", position=place)
    await DatabaseJournal().forget(datetime.now(UTC) + timedelta(days=1))


async def test_a_cursor_whose_events_were_dropped_has_expired(log: InProcessLog) -> None:
    before_all = await log.head()
    await log.publish(entries(1, 6))
    places = [delivery.position for delivery in await take(log, before_all, 6)]
    await drop_up_to(places[2])
    restarted = InProcessLog(DatabaseJournal())
    for place in (before_all, *places[:2]):
        with pytest.raises(CursorExpired):
            await take(restarted, place, 1)
    assert numbers(await take(restarted, places[2], 3)) == [4, 5, 6]


async def test_a_new_group_begins_with_what_is_kept(log: InProcessLog) -> None:
    await log.publish(entries(1, 6))
    await drop_up_to((await take(log, 0, 6))[2].position)
    work, jobs = await jobs_of(InProcessLog(DatabaseJournal()), 3)
    assert [job.event for job in jobs] == [ImageUploaded(number) for number in (4, 5, 6)]
    await work.aclose()


async def test_a_gap_before_the_first_event_is_nothing_dropped(log: InProcessLog) -> None:
    """A transaction that was undone leaves one, on MySQL."""
    before_all = await log.head()
    await JournalEntry.create(position=7, uid="uid-1", kind="ImageUploaded", payload={"image_id": 1})
    assert numbers(await take(InProcessLog(DatabaseJournal()), before_all, 1)) == [1]


async def test_a_cursor_beyond_the_head_is_of_another_log(log: InProcessLog) -> None:
    await log.publish(entries(1, 2))
    with pytest.raises(CursorExpired):
        await take(log, await log.head() + 1, 1)


class Unsure(DatabaseJournal):
    """A journal that loses the answer to what it has done."""

    lose = False

    async def append(self, entries: Sequence[Entry]) -> list[Delivery]:
        deliveries = await super().append(entries)
        if self.lose:
            self.lose = False
            raise ConnectionError("the answer was lost")
        return deliveries


async def test_what_was_published_without_an_answer_is_not_missed() -> None:
    journal = Unsure()
    log = InProcessLog(journal)
    await log.publish(entries(1, 2))
    following = asyncio.create_task(take(log, 0, 5))
    await asyncio.sleep(0.01)
    journal.lose = True
    with pytest.raises(ConnectionError):
        await log.publish(entries(3, 4))
    await log.publish(entries(3, 5))
    assert numbers(await following) == [1, 2, 3, 4, 5]


async def test_repeating_what_had_no_answer_wakes_those_who_wait() -> None:
    journal = Unsure()
    log = InProcessLog(journal)
    following = asyncio.create_task(take(log, 0, 2))
    await asyncio.sleep(0.01)
    journal.lose = True
    with pytest.raises(ConnectionError):
        await log.publish(entries(1, 2))
    await log.publish(entries(1, 2))
    assert numbers(await following) == [1, 2]


async def test_cancelled_publishing_loses_nothing(log: InProcessLog) -> None:
    following = asyncio.create_task(take(log, 0, 40))
    for number in range(1, 41):
        publishing = asyncio.create_task(log.publish(entries(number, number)))
        for _ in range(number % 13):
            await asyncio.sleep(0)
        publishing.cancel()
        await asyncio.wait([publishing])
        await log.publish(entries(number, number))
    assert numbers(await following) == list(range(1, 41))


async def test_cancelled_streams_leave_nothing_behind(log: InProcessLog) -> None:
    await log.publish(entries(1, 3))

    async def follow(stream: AsyncGenerator[Delivery]) -> None:
        async with aclosing(stream):
            async for _ in stream:
                pass

    streams = [log.stream(0) for _ in range(50)]
    remembered = [weakref.ref(stream) for stream in streams]
    following = [asyncio.create_task(follow(stream)) for stream in streams]
    await asyncio.sleep(0.1)
    for task in following:
        task.cancel()
    await asyncio.wait(following)
    del streams, following, task
    gc.collect()
    assert [stream() for stream in remembered] == [None] * 50
    ours = {asyncio.current_task()}
    await eventually(lambda: asyncio.sleep(0, asyncio.all_tasks() == ours))
    await log.publish(entries(4, 4))
    assert numbers(await take(log, 0, 4)) == [1, 2, 3, 4]


@pytest.mark.usefixtures("at_once")
async def test_work_left_undone_comes_again_and_what_is_done_does_not(log: InProcessLog) -> None:
    await log.publish(entries(1, 4))
    work, jobs = await jobs_of(log, 3)
    for job in jobs[:2]:
        await job.done()
    await work.aclose()
    _, again = await jobs_of(InProcessLog(DatabaseJournal()), 2)
    assert [job.event for job in again] == [ImageUploaded(3), ImageUploaded(4)]


async def test_after_a_crash_a_few_done_jobs_come_again_and_no_undone_one_is_lost() -> None:
    """Progress is saved with the first job and then now and then: what was done since comes again."""
    journal = Mortal()
    log = InProcessLog(journal)
    await log.publish(entries(1, 9))
    work, jobs = await jobs_of(log, 9)
    for job in jobs[:6]:
        await job.done()
    journal.dead = True
    await work.aclose()
    assert journal.saved == 1
    _, again = await jobs_of(InProcessLog(DatabaseJournal()), 8)
    assert [job.event for job in again] == [ImageUploaded(number) for number in range(2, 10)]


@pytest.mark.usefixtures("at_once")
async def test_an_open_job_holds_back_those_done_after_it(log: InProcessLog) -> None:
    await log.publish(entries(1, 5))
    work, jobs = await jobs_of(log, 5)
    for done in (4, 1, 2):
        await jobs[done].done()
    await work.aclose()
    restarted = InProcessLog(DatabaseJournal())
    work, again = await jobs_of(restarted, 5)
    assert [job.event for job in again] == [ImageUploaded(number) for number in range(1, 6)]
    for done in (3, 0, 2, 1):
        await again[done].done()
    await work.aclose()
    _, left = await jobs_of(InProcessLog(DatabaseJournal()), 1)
    assert [job.event for job in left] == [ImageUploaded(5)]


async def test_a_group_sees_its_kinds_alone(log: InProcessLog) -> None:
    happened = [
        ImageUploaded(1),
        NewsPublished(2),
        ContactMessageReceived(3),
        NewsPublished(4),
        ImageUploaded(5),
    ]
    await log.publish([Entry(f"uid-{place}", event) for place, event in enumerate(happened)])
    _, jobs = await jobs_of(log, 3, frozenset({NewsPublished, ContactMessageReceived}))
    assert [job.event for job in jobs] == happened[1:4]


@pytest.mark.usefixtures("at_once")
async def test_groups_do_their_work_independently(log: InProcessLog) -> None:
    await log.publish(entries(1, 3))
    first, jobs = await jobs_of(log, 3, group="first")
    for job in jobs:
        await job.done()
    await first.aclose()
    _, others = await jobs_of(log, 3, group="second")
    assert [job.event for job in others] == [ImageUploaded(1), ImageUploaded(2), ImageUploaded(3)]


@pytest.mark.usefixtures("at_once")
async def test_other_groups_events_are_not_read_again_after_a_crash(log: InProcessLog) -> None:
    await log.publish(entries(1, 20))
    waiting = asyncio.create_task(jobs_of(log, 1, frozenset({NewsPublished})))
    head = await log.head()
    await eventually(lambda: ConsumerPosition.exists(position=head))
    waiting.cancel()


@pytest.mark.usefixtures("at_once")
async def test_progress_never_goes_back() -> None:
    pauses = iter([0.1, 0.0])

    class Uneven(DatabaseJournal):
        async def save_progress(self, group: str, position: int) -> None:
            await asyncio.sleep(next(pauses))
            await super().save_progress(group, position)

    log = InProcessLog(Uneven())
    await log.publish(entries(1, 3))
    _, jobs = await jobs_of(log, 3)
    await asyncio.gather(*(job.done() for job in jobs))
    assert (await ConsumerPosition.get(group="group")).position == await log.head()


@pytest.mark.usefixtures("at_once")
async def test_progress_that_could_not_be_saved_is_saved_later() -> None:
    class Away(DatabaseJournal):
        away = True

        async def save_progress(self, group: str, position: int) -> None:
            if self.away:
                raise ConnectionError("the database is away")
            await super().save_progress(group, position)

    journal = Away()
    log = InProcessLog(journal)
    await log.publish(entries(1, 1))
    work, (job,) = await jobs_of(log, 1)
    with pytest.raises(ConnectionError):
        await job.done()
    journal.away = False
    await work.aclose()
    assert (await ConsumerPosition.get(group="group")).position == await log.head()


async def test_work_goes_on_live(log: InProcessLog) -> None:
    work, _ = await jobs_of(log, 0)
    for number in (1, 2, 3):
        next_job = asyncio.create_task(anext(work))
        await asyncio.sleep(0.01)
        await log.publish(entries(number, number))
        job = await asyncio.wait_for(next_job, 5)
        assert job.event == ImageUploaded(number)
        await job.done()
    await work.aclose()
