"""The log between processes over a broker that goes away, comes back and forgets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing
from datetime import timedelta
from pathlib import Path

import nats
import pytest
from nats.js.api import StreamConfig

import events.jetstream
import events.window
from events.jetstream import Address, JetStreamLog, address_of, connected
from events.log import CursorExpired, Entry, EventLog, LogAway
from events.messages import ImageUploaded
from tests.brokers import Broker, broker
from tests.carriers import UPLOADS, JetStream, entries, jobs_of, numbers, take
from tests.people import eventually

STREAM = "tests_own"
DAY = timedelta(days=1)


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Broker]:
    """A broker that no other test uses."""
    with broker(tmp_path) as one:
        yield one


@pytest.fixture
async def processes(nats_server: Broker) -> AsyncIterator[JetStream]:
    """Opens the same stream again and again."""
    async with AsyncExitStack() as stack:
        yield JetStream(nats_server.url(), stack)


@pytest.fixture
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events.jetstream, "LEASE_SECONDS", 1.0)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers look soon whether the broker still knows them."""
    monkeypatch.setattr(events.jetstream, "IDLE_SECONDS", 0.5)


async def published(log: EventLog, wanted: list[Entry]) -> None:
    """As the outbox does it: again until it succeeds."""

    async def attempt() -> bool:
        try:
            await log.publish(wanted)
        except (nats.errors.Error, OSError):
            return False
        return True

    await eventually(attempt)


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_a_broker_that_was_away_costs_nothing(mortal: Broker, how: str) -> None:
    async with connected(mortal.url(STREAM), DAY) as log:
        following = [asyncio.create_task(take(log, 0, 9)) for _ in range(3)]
        idle = asyncio.create_task(take(log, 0, 6))
        await log.publish(entries(1, 3))
        assert await eventually(lambda: listened_to(log, 4))
        getattr(mortal, how)()
        with pytest.raises((nats.errors.Error, OSError)):
            await log.publish(entries(4, 4))
        mortal.start()
        await published(log, entries(3, 6))
        assert numbers(await idle) == [1, 2, 3, 4, 5, 6]
        getattr(mortal, how)()
        mortal.start()
        await published(log, entries(7, 9))
        assert [numbers(await one) for one in following] == [list(range(1, 10))] * 3


async def listened_to(log: JetStreamLog, streams: int) -> bool:
    """Whether so many have been told by the broker how far the log reaches, without which none begins."""
    return sum(map(len, log._window._readers.values())) == streams


async def test_says_soon_that_the_broker_is_away_or_silent(mortal: Broker) -> None:
    async with connected(mortal.url(STREAM), DAY) as log:
        await log.check()
        for begin, end in ((mortal.freeze, mortal.thaw), (mortal.stop, mortal.start)):
            begin()
            for _ in range(2):
                async with asyncio.timeout(2):
                    with pytest.raises(LogAway):
                        await log.check()
            end()
            assert await eventually(lambda: answers(log))


async def answers(log: EventLog) -> bool:
    try:
        await log.check()
    except LogAway:
        return False
    return True


async def test_a_subscriber_that_has_heard_nothing_hears_no_old_events_after_a_restart(
    mortal: Broker,
) -> None:
    async with connected(mortal.url(STREAM), DAY) as log:
        await log.publish(entries(1, 5))
    async with connected(mortal.url(STREAM), DAY) as log:
        waiting = asyncio.create_task(take(log, await log.head(), 1))
        await asyncio.sleep(0.1)
        mortal.stop()
        mortal.start()
        await published(log, entries(6, 6))
        assert numbers(await waiting) == [6]


async def test_many_events_of_a_newer_version_hide_none_behind_them(
    mortal: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events.window, "PAGE", 3)
    async with connected(mortal.url(STREAM), DAY) as log:
        await log.publish(entries(1, 2))
        newer = await nats.connect(f"nats://127.0.0.1:{mortal.port}")
        for _ in range(7):
            await newer.jetstream().publish(f"{STREAM}.NotInventedYet", b"{}")
        await newer.close()
        await log.publish(entries(3, 3))
    async with connected(mortal.url(STREAM), DAY) as log:
        assert numbers(await take(log, 0, 3)) == [1, 2, 3]


async def test_work_goes_on_when_the_broker_is_back_and_none_in_hand_is_given_twice(mortal: Broker) -> None:
    async with connected(mortal.url(STREAM), DAY) as log:
        await log.publish(entries(1, 2))
        work, (first, second) = await jobs_of(log, 2)
        await first.done()
        mortal.stop()
        mortal.start()
        await published(log, entries(3, 3))
        async with asyncio.timeout(20):
            third = await anext(work)
        assert third.event == ImageUploaded(3)
        for job in (second, third):
            await job.done()
        await work.aclose()
        await log.publish(entries(4, 4))
        _, (last,) = await jobs_of(log, 1)
        assert last.event == ImageUploaded(4)


async def test_processes_share_the_work(processes: JetStream) -> None:
    logs = [await processes.open() for _ in range(3)]
    done: list[tuple[int, int]] = []

    async def labour(process: int, log: EventLog) -> None:
        async with aclosing(log.work("group", UPLOADS)) as jobs:
            async for job in jobs:
                await asyncio.sleep(0.005)
                assert isinstance(job.event, ImageUploaded)
                done.append((process, job.event.image_id))
                await job.done()

    labouring = [asyncio.create_task(labour(number, log)) for number, log in enumerate(logs)]
    await logs[0].publish(entries(1, 90))
    await eventually(lambda: asyncio.sleep(0, len(done) >= 90))
    for task in labouring:
        task.cancel()
    await asyncio.gather(*labouring, return_exceptions=True)
    assert sorted(image for _, image in done) == list(range(1, 91))
    assert {process for process, _ in done} == {0, 1, 2}


@pytest.mark.usefixtures("short_leases")
async def test_the_jobs_of_a_process_that_died_come_to_another(nats_server: Broker) -> None:
    url = nats_server.url()
    async with connected(url, DAY) as log:
        async with AsyncExitStack() as life:
            dying = await life.enter_async_context(connected(url, DAY))
            await log.publish(entries(1, 2))
            work, jobs = await jobs_of(dying, 2)
            await jobs[0].done()
        _, (again,) = await jobs_of(log, 1)
        assert (again.event, again.delivered, jobs[1].delivered) == (jobs[1].event, 2, 1)
        await work.aclose()


@pytest.mark.usefixtures("short_leases")
async def test_a_job_that_takes_longer_than_its_lease_stays_with_its_process(processes: JetStream) -> None:
    one, other = await processes.open(), await processes.open()
    await one.publish(entries(1, 1))
    work, (job,) = await jobs_of(one, 1)
    waiting = asyncio.create_task(jobs_of(other, 1))
    await asyncio.sleep(2.5)
    assert not waiting.done()
    await job.done()
    await one.publish(entries(2, 2))
    await work.aclose()
    _, (next_one,) = await waiting
    assert next_one.event == ImageUploaded(2)


async def test_one_process_leaves_jobs_to_others(
    processes: JetStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events.jetstream, "IN_HAND", 3)
    one, other = await processes.open(), await processes.open()
    await one.publish(entries(1, 5))
    work, jobs = await jobs_of(one, 3)
    more = asyncio.ensure_future(anext(work))
    _, others = await jobs_of(other, 2)
    assert [job.event for job in others] == [ImageUploaded(4), ImageUploaded(5)]
    await jobs[0].done()
    await one.publish(entries(6, 6))
    assert (await asyncio.wait_for(more, 10)).event == ImageUploaded(6)


async def test_an_entry_is_known_again_when_the_broker_has_forgotten_it(
    processes: JetStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events.jetstream, "REPEATS_KNOWN", timedelta(milliseconds=100))
    monkeypatch.setattr(events.jetstream, "CLOCKS_APART", timedelta())
    log = await processes.open()
    await log.publish(old := entries(1, 3))
    await asyncio.sleep(0.3)
    await log.publish([*old, *entries(4, 4)])
    assert numbers(await take(await processes.open(), 0, 4)) == [1, 2, 3, 4]


async def test_a_cursor_whose_events_the_broker_has_dropped_has_expired(nats_server: Broker) -> None:
    url = nats_server.url()
    async with connected(url, DAY) as log:
        await log.publish(entries(1, 6))
        client = await nats.connect(address_of(url).servers)
        await client.jetstream().purge_stream(address_of(url).stream, seq=4)
        await client.close()
    async with connected(url, DAY) as log:
        for place in (0, 2):
            with pytest.raises(CursorExpired):
                await take(log, place, 1)
        assert numbers(await take(log, 3, 3)) == [4, 5, 6]
        _, jobs = await jobs_of(log, 3)
        assert [job.event for job in jobs] == [ImageUploaded(number) for number in (4, 5, 6)]


async def test_an_event_of_a_newer_version_is_passed_over(nats_server: Broker) -> None:
    url = nats_server.url()
    async with connected(url, DAY) as log:
        await log.publish(entries(1, 1))
        client = await nats.connect(address_of(url).servers)
        await client.jetstream().publish(f"{address_of(url).stream}.NotYetKnown", b"{}")
        await client.close()
        following = asyncio.create_task(take(log, 0, 2))
        await log.publish(entries(2, 2))
        assert numbers(await following) == [1, 2]
        assert [one.position for one in await take(log, 0, 2)] == [1, 3]


async def test_a_stream_takes_the_settings_of_who_comes_last(nats_server: Broker) -> None:
    url = nats_server.url()
    for kept in (DAY, timedelta(days=7)):
        async with connected(url, kept):
            client = await nats.connect(address_of(url).servers)
            config: StreamConfig = (await client.jetstream().stream_info(address_of(url).stream)).config
            await client.close()
            assert config.max_age == kept.total_seconds()


async def test_a_listener_does_not_wait_for_its_next_look(
    processes: JetStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events.jetstream, "IDLE_SECONDS", 600)
    publisher, listener = await processes.open(), await processes.open()
    for number in range(1, 6):
        waiting = asyncio.create_task(take(listener, number - 1, 1))
        await publisher.publish(entries(number, number))
        assert numbers(await waiting) == [number]


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("nats://one:4222", Address(["nats://one:4222"], "covidxr", 1)),
        ("nats://one:4222/ours", Address(["nats://one:4222"], "ours", 1)),
        ("tls://a:b@one:1,two:2/ours?replicas=3", Address(["tls://a:b@one:1", "tls://a:b@two:2"], "ours", 3)),
    ],
)
def test_a_url_names_servers_and_stream(url: str, address: Address) -> None:
    assert address_of(url) == address


@pytest.mark.parametrize(
    "url", ["http://one", "nats://", "nats://one,,two", "nats://one?replicas=2", "nats://one/a.b"]
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="nats://"):
        address_of(url)
