"""The in-process log over the database: order, replay, live delivery, and work that survives a restart."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from tortoise.exceptions import ValidationError

import events.memory
from events.log import CursorExpired, Delivery, Entry
from events.memory import InProcessLog
from events.messages import ImageUploaded, NewsPublished
from services.journal import DatabaseJournal
from store.tables import ConsumerPosition, JournalEntry
from tests.carriers import entries, jobs_of, numbers, take
from tests.people import eventually

pytestmark = pytest.mark.usefixtures("database")


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


async def test_nothing_is_published_where_the_journal_fails(log: InProcessLog) -> None:
    with pytest.raises(ValidationError):
        await log.publish([*entries(1, 1), Entry("u" * 37, ImageUploaded(2))])
    assert not await JournalEntry.exists()
    await log.publish(entries(1, 1))
    assert numbers(await take(log, 0, 1)) == [1]


async def test_what_a_process_before_may_have_begun_is_told_from_what_is_new(log: InProcessLog) -> None:
    await log.publish(entries(1, 2))
    again = InProcessLog(DatabaseJournal(), before=await log.head())
    await again.publish(entries(3, 3))
    _, jobs = await jobs_of(again, 3)
    assert [job.delivered for job in jobs] == [2, 2, 1]


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
