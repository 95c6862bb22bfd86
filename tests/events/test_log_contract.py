"""What every carrier of events must do: order, replay, live delivery, and work that is done once."""

import asyncio
import gc
import random
import weakref
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from uuid import uuid4

import pytest

import events.window
from events.log import (
    EVERYTHING,
    Backlog,
    CursorExpired,
    Delivery,
    Entry,
    EventLog,
    Interest,
    Interests,
    interests_of,
)
from events.messages import (
    ContactMessageReceived,
    Event,
    ImageUploaded,
    NewsPublished,
    PredictionMade,
    SessionsEnded,
)
from store.database import open_database
from tests import databases
from tests.brokers import Broker
from tests.carriers import UPLOADS, Carrier, InProcess, JetStream, entries, jobs_of, numbers, take
from tests.people import eventually


@pytest.fixture(params=["sqlite", "mysql", "jetstream"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where events are kept, by its URL; nothing is there yet."""
    if request.param == "jetstream":
        broker: Broker = request.getfixturevalue("nats_server")
        return broker.url()
    return databases.ready(request.param, request, tmp_path)


@pytest.fixture
async def carrier(place: str) -> AsyncIterator[Carrier]:
    async with AsyncExitStack() as stack:
        if place.startswith("nats://"):
            yield JetStream(place, stack)
        else:
            await stack.enter_async_context(open_database(place))
            yield InProcess()


@pytest.fixture
async def log(carrier: Carrier) -> EventLog:
    return await carrier.open()


async def test_an_empty_log_has_no_head_and_waits(log: EventLog) -> None:
    assert await log.head() == 0
    waiting = asyncio.create_task(take(log, 0, 1))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    await log.publish(entries(1, 1))
    assert numbers(await waiting) == [1]


async def test_says_that_it_answers(log: EventLog) -> None:
    await log.check()


async def test_publishes_in_order_at_rising_places(log: EventLog) -> None:
    await log.publish(entries(1, 3))
    await log.publish(entries(4, 5))
    deliveries = await take(log, 0, 5)
    assert numbers(deliveries) == [1, 2, 3, 4, 5]
    places = [delivery.position for delivery in deliveries]
    assert places == sorted(set(places))
    assert await log.head() == places[-1]


async def test_passes_over_what_it_has_already(log: EventLog, carrier: Carrier) -> None:
    await log.publish(entries(1, 3))
    await log.publish(entries(2, 4))
    await log.publish([])
    assert numbers(await take(log, 0, 4)) == [1, 2, 3, 4]
    assert numbers(await take(await carrier.open(), 0, 4)) == [1, 2, 3, 4]


@pytest.mark.parametrize("seen", range(7))
async def test_replays_what_came_behind_a_place_and_goes_live(log: EventLog, seen: int) -> None:
    await log.publish(entries(1, 6))
    places = [0, *(delivery.position for delivery in await take(log, 0, 6))]
    following = asyncio.create_task(take(log, places[seen], 8 - seen))
    await asyncio.sleep(0)
    await log.publish(entries(7, 8))
    assert numbers(await following) == list(range(seen + 1, 9))


async def test_replays_across_a_restart(log: EventLog, carrier: Carrier) -> None:
    await log.publish(entries(1, 4))
    second = (await take(log, 0, 2))[-1].position
    restarted = await carrier.open()
    following = asyncio.create_task(take(restarted, second, 4))
    await asyncio.sleep(0.01)
    await restarted.publish(entries(3, 6))  # the outbox repeats what it is not sure of
    assert numbers(await following) == [3, 4, 5, 6]
    assert numbers(await take(restarted, 0, 6)) == [1, 2, 3, 4, 5, 6]


async def test_neither_gap_nor_repeat_while_it_grows(
    log: EventLog, carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers start, stop, resume and fall behind while events come; the window and the pages are small."""
    monkeypatch.setattr(events.window, "RECENT", 7)
    monkeypatch.setattr(events.window, "PAGE", 3)
    log = await carrier.open()
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
    log: EventLog, carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events.window, "RECENT", 4)
    monkeypatch.setattr(events.window, "PAGE", 5)
    log = await carrier.open()
    await log.publish(entries(1, 1))
    async with asyncio.timeout(10), aclosing(log.stream(0)) as deliveries:
        first = await anext(deliveries)
        for number in range(2, 31):
            await log.publish(entries(number, number))
        rest = [await anext(deliveries) for _ in range(29)]
    assert numbers([first, *rest]) == list(range(1, 31))


async def test_a_stream_brings_what_meets_an_interest_and_nothing_else(
    log: EventLog, carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers of all kinds start, stop and resume while events come; the window and the pages are small."""
    monkeypatch.setattr(events.window, "RECENT", 5)
    monkeypatch.setattr(events.window, "PAGE", 3)
    log = await carrier.open()
    chance = random.Random(1)
    told: list[Event] = [
        chance.choice(
            [PredictionMade(number, 1, number % 4), ImageUploaded(number), SessionsEnded(number % 4)]
        )
        for number in range(1, 151)
    ]
    wishes = [
        frozenset({Interest(PredictionMade, 1)}),
        frozenset({Interest(PredictionMade, 2), Interest(SessionsEnded, 2)}),
        frozenset({Interest(PredictionMade), Interest(PredictionMade, 3)}),
        frozenset({Interest(NewsPublished)}),
        EVERYTHING,
    ]

    async def publish() -> None:
        for event in told:
            await log.publish([Entry(uuid4().hex, event)])
            await asyncio.sleep(chance.random() / 500)

    async def read(interests: Interests) -> None:
        wanted = [event for event in told if not interests.isdisjoint(interests_of(event))]
        seen: list[Delivery] = []
        while len(seen) < len(wanted):
            count = min(chance.randint(1, 20), len(wanted) - len(seen))
            seen += await take(log, seen[-1].position if seen else 0, count, interests)
            await asyncio.sleep(chance.random() / 100)
        assert [delivery.event for delivery in seen] == wanted
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await take(log, seen[-1].position if seen else 0, 1, interests)

    await asyncio.gather(publish(), *(read(interests) for interests in wishes * 3))


async def test_publishers_at_once_give_everybody_one_order(log: EventLog, carrier: Carrier) -> None:
    reading = [asyncio.create_task(take(log, 0, 60)) for _ in range(3)]
    await asyncio.gather(*(log.publish(entries(first, first + 2)) for first in range(1, 61, 3)))
    orders = [numbers(await one) for one in reading]
    assert orders[0] == orders[1] == orders[2] == numbers(await take(await carrier.open(), 0, 60))
    assert sorted(orders[0]) == list(range(1, 61))


async def test_hundreds_of_subscribers_hear_everything(log: EventLog) -> None:
    reading = [asyncio.create_task(take(log, 0, 20)) for _ in range(300)]
    for number in range(1, 21):
        await log.publish(entries(number, number))
    assert [numbers(await one) for one in reading] == [list(range(1, 21))] * 300


async def test_a_cursor_beyond_the_head_is_of_another_log(log: EventLog) -> None:
    await log.publish(entries(1, 2))
    with pytest.raises(CursorExpired):
        await take(log, await log.head() + 1, 1)


async def test_cancelled_publishing_loses_nothing(log: EventLog) -> None:
    following = asyncio.create_task(take(log, 0, 40))
    for number in range(1, 41):
        publishing = asyncio.create_task(log.publish(entries(number, number)))
        for _ in range(number % 13):
            await asyncio.sleep(0)
        publishing.cancel()
        await asyncio.wait([publishing])
        await log.publish(entries(number, number))
    assert numbers(await following) == list(range(1, 41))


def own_tasks() -> set[asyncio.Task[object]]:
    """The tasks under way, but for those of the broker's client, which replaces its own again and again."""
    return {task for task in asyncio.all_tasks() if "/nats/" not in task.get_coro().cr_code.co_filename}


async def test_cancelled_streams_leave_nothing_behind(log: EventLog) -> None:
    await log.publish(entries(1, 3))

    async def follow(stream: AsyncGenerator[Delivery]) -> None:
        async with aclosing(stream):
            async for _ in stream:
                pass

    before = own_tasks()
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
    await eventually(lambda: asyncio.sleep(0, own_tasks() <= before))
    await log.publish(entries(4, 4))
    assert numbers(await take(log, 0, 4)) == [1, 2, 3, 4]


async def test_work_left_undone_comes_again_and_what_is_done_does_not(
    log: EventLog, carrier: Carrier
) -> None:
    await log.publish(entries(1, 4))
    work, jobs = await jobs_of(log, 3)
    for job in jobs[:2]:
        await job.done()
    await work.aclose()
    _, again = await jobs_of(await carrier.open(), 2)
    assert [job.event for job in again] == [ImageUploaded(3), ImageUploaded(4)]


async def test_a_group_sees_its_kinds_alone(log: EventLog) -> None:
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


async def test_groups_do_their_work_independently(log: EventLog) -> None:
    await log.publish(entries(1, 3))
    first, jobs = await jobs_of(log, 3, group="first")
    for job in jobs:
        await job.done()
    await first.aclose()
    _, others = await jobs_of(log, 3, group="second")
    assert [job.event for job in others] == [ImageUploaded(1), ImageUploaded(2), ImageUploaded(3)]


async def test_counts_what_is_open_and_what_is_done(log: EventLog) -> None:
    assert await log.backlog("group", UPLOADS) == Backlog(0, 0)
    await log.publish([*entries(1, 3), Entry("news", NewsPublished(1)), *entries(4, 5)])
    assert await log.backlog("group", UPLOADS) == Backlog(5, 0)
    work, jobs = await jobs_of(log, 2)
    assert await log.backlog("group", UPLOADS) == Backlog(5, 0)
    for job in jobs:
        await job.done()
    assert await eventually(lambda: _has(log, Backlog(3, 2)))
    await log.publish(entries(6, 6))
    assert await eventually(lambda: _has(log, Backlog(4, 2)))
    assert (await log.backlog("others", UPLOADS)).open == 6
    await work.aclose()


async def test_what_was_left_undone_is_open_for_the_next_process(log: EventLog, carrier: Carrier) -> None:
    await log.publish(entries(1, 3))
    work, (first, _) = await jobs_of(log, 2)
    await first.done()
    await work.aclose()
    other = await carrier.open()
    assert await eventually(lambda: _is_open(other, 2))


async def _has(log: EventLog, expected: Backlog) -> bool:
    return await log.backlog("group", UPLOADS) == expected


async def _is_open(log: EventLog, count: int) -> bool:
    return (await log.backlog("group", UPLOADS)).open == count
