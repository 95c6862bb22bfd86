"""What a window reads of its log, and for whom: an idle stream costs nothing."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

import events.window
from events.log import EVERYTHING, Delivery, Interest, Interests
from events.messages import PredictionMade
from events.window import Window


class Log:
    """Deliveries at hand, and how often they were read."""

    def __init__(self) -> None:
        self.kept: list[Delivery] = []
        self.readings = 0
        self.window = Window(self.read, self.bounds)

    async def read(self, after: int, limit: int) -> list[Delivery]:
        self.readings += 1
        return [delivery for delivery in self.kept if delivery.position > after][:limit]

    async def bounds(self) -> tuple[int, int]:
        return 0, len(self.kept)

    def grow(self, *owners: int) -> None:
        for owner in owners:
            place = len(self.kept) + 1
            self.kept.append(Delivery(place, PredictionMade(place, place, owner)))

    def add(self, *owners: int) -> None:
        before = len(self.kept)
        self.grow(*owners)
        self.window.add(self.kept[before:])


@pytest.fixture
def log() -> Log:
    return Log()


def mine(owner: int) -> Interests:
    return frozenset({Interest(PredictionMade, owner)})


async def test_what_does_not_concern_a_stream_costs_it_nothing_even_afterwards(log: Log) -> None:
    """It has not fallen behind by what came for others, however much that was."""
    async with asyncio.timeout(10), aclosing(log.window.stream(0, mine(1))) as deliveries:
        waiting = asyncio.ensure_future(anext(deliveries))
        await asyncio.sleep(0.01)
        before = log.readings
        for _ in range(3):
            log.add(*[2] * events.window.RECENT)
        log.add(1)
        assert (await waiting).position == len(log.kept)
        assert log.readings == before
        waiting = asyncio.ensure_future(anext(deliveries))
        log.add(*[2] * events.window.RECENT)
        log.window.forget()
        log.add(1)
        assert (await waiting).position == len(log.kept)
        assert log.readings <= before + 1


async def test_a_stream_that_does_not_read_is_kept_no_more_than_a_window_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events.window, "RECENT", 4)
    log = Log()
    async with asyncio.timeout(10), aclosing(log.window.stream(0, mine(1))) as deliveries:
        waiting = asyncio.ensure_future(anext(deliveries))
        await asyncio.sleep(0.01)
        log.add(*[1] * 100)
        before = log.readings
        places = [(await waiting).position, *[(await anext(deliveries)).position for _ in range(99)]]
        assert places == list(range(1, 101))
    assert log.readings > before


@pytest.mark.parametrize("interests", [EVERYTHING, mine(1)])
async def test_what_was_not_handed_on_is_found_in_the_log(log: Log, interests: Interests) -> None:
    """Of an answer that was lost nobody knows what the log took: the next word of it tells to look there."""
    async with asyncio.timeout(10), aclosing(log.window.stream(0, interests)) as deliveries:
        log.add(1)
        assert (await anext(deliveries)).position == 1
        waiting = asyncio.ensure_future(anext(deliveries))
        await asyncio.sleep(0.01)
        log.grow(1)
        log.window.forget()
        await asyncio.sleep(0.01)
        assert not waiting.done()
        log.add(1)
        assert [(await waiting).position, (await anext(deliveries)).position] == [2, 3]
        log.grow(1)
        log.window.reaches(4)
        assert (await anext(deliveries)).position == 4
        log.add(1)
        assert (await anext(deliveries)).position == 5


async def test_a_stream_that_has_ended_is_forgotten(log: Log) -> None:
    async with aclosing(log.window.stream(0, mine(1))) as deliveries:
        log.add(1)
        await anext(deliveries)
        assert log.window.interests
    assert not log.window.interests


async def test_whoever_comes_looks_at_no_more_than_it_lacks(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.add(*[1] * 1000)
    looked_at = list[Delivery]()
    wants = events.window._Reader.wants
    monkeypatch.setattr(
        events.window._Reader, "wants", lambda self, one: looked_at.append(one) or wants(self, one)
    )
    async with asyncio.timeout(10), aclosing(log.window.stream(997, mine(1))) as deliveries:
        assert [(await anext(deliveries)).position for _ in range(3)] == [998, 999, 1000]
    assert [one.position for one in looked_at] == [998, 999, 1000]


async def test_it_is_behind_while_a_stream_lacks_something(log: Log) -> None:
    assert not log.window.is_behind
    async with asyncio.timeout(10), aclosing(log.window.stream(0, mine(1))) as deliveries:
        waiting = asyncio.ensure_future(anext(deliveries))
        await asyncio.sleep(0.01)
        assert not log.window.is_behind
        log.add(1, 1)
        assert log.window.is_behind
        await waiting
        assert log.window.is_behind
        await anext(deliveries)
        assert not log.window.is_behind
        waiting = asyncio.ensure_future(anext(deliveries))
        log.add(2)
        assert not log.window.is_behind, "by what does not concern it"
        waiting.cancel()
    async with asyncio.timeout(10), aclosing(log.window.stream(0, EVERYTHING)) as work:
        await anext(work)
        assert not log.window.is_behind, "by work that takes its time"
