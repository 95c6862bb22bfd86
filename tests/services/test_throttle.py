"""How often somebody may do something, by a clock that the test turns."""

import asyncio

import pytest

from services import throttle
from services.budget import Budget
from services.errors import TooMany, in_words
from services.throttle import Rate, Throttle

TEN_A_MINUTE = Rate(10, 60)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counting(clock: Clock) -> Throttle:
    return Throttle(clock)


def taken(counting: Throttle, key: str = "ana", points: int = 1, rate: Rate = TEN_A_MINUTE) -> int:
    """0 where it went well, else the seconds to wait."""
    try:
        counting.take(key, rate, points)
    except TooMany as error:
        return error.retry_after
    return 0


def test_so_many_at_once_and_no_more(counting: Throttle) -> None:
    assert [taken(counting) for _ in range(12)] == [0] * 10 + [6, 6]


def test_they_come_back_evenly(counting: Throttle, clock: Clock) -> None:
    taken(counting, points=10)
    clock.now += 5.9
    assert taken(counting) == 1
    clock.now += 0.1
    assert taken(counting) == 0
    assert taken(counting, points=3) == 18
    clock.now += 3600
    assert [taken(counting) for _ in range(11)] == [0] * 10 + [6]


def test_the_time_to_wait_is_the_time_to_wait(counting: Throttle, clock: Clock) -> None:
    taken(counting, points=8)
    wait = taken(counting, points=7)
    assert wait == 30
    clock.now += wait
    assert taken(counting, points=7) == 0


def test_keys_know_nothing_of_one_another(counting: Throttle) -> None:
    assert taken(counting, "ana", 10) == 0
    assert taken(counting, "ana", 1) == 6
    assert taken(counting, "eva", 10) == 0


def test_more_than_there_ever_are_count_as_all(counting: Throttle) -> None:
    assert taken(counting, points=1000) == 0
    assert taken(counting, points=1000) == 60


async def test_many_at_the_same_time_get_no_more(counting: Throttle) -> None:
    async def one() -> int:
        await asyncio.sleep(0)
        return taken(counting)

    waits = await asyncio.gather(*(one() for _ in range(50)))
    assert waits.count(0) == 10


def test_forgets_whom_it_has_not_seen_for_longest(
    counting: Throttle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "KEPT", 2)
    for key in ("ana", "eva", "ana", "luz"):
        taken(counting, key, 5)
    assert taken(counting, "ana", 1) == 6
    assert taken(counting, "eva", 10) == 0


def test_a_budget_of_nothing_has_no_end(counting: Throttle) -> None:
    for _ in range(100):
        Budget(counting, 0).spend("ana", 1_000_000)
    Budget(counting, 100).spend("ana", 100)
    with pytest.raises(TooMany, match="try again in 30 seconds"):
        Budget(counting, 100).spend("ana", 50)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "1 second"), (2, "2 seconds"), (119, "119 seconds"), (120, "2 minutes"), (121, "3 minutes")],
)
def test_words_of_a_time(seconds: int, words: str) -> None:
    assert in_words(seconds) == words
