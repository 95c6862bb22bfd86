"""As often as somebody may try something, whichever process it comes to, by a clock that the test turns."""

import asyncio

import pytest

from services import tallies
from services.errors import TooMany
from services.throttle import Rate
from store.tables import Tally

TEN_A_MINUTE = Rate(10, 60)
NOW = 1_800_000_000.0

pytestmark = pytest.mark.usefixtures("database")


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(tallies, "time", clock)
    return clock


async def taken(key: str = "ana", rate: Rate = TEN_A_MINUTE) -> int:
    """0 where it went well, else the seconds to wait."""
    try:
        await tallies.take(key, rate)
    except TooMany as error:
        return error.retry_after
    return 0


async def take(times: int, key: str = "ana") -> list[int]:
    return [await taken(key) for _ in range(times)]


async def test_so_many_at_once_and_no_more() -> None:
    assert await take(12) == [0] * 10 + [6, 6]


async def test_they_come_back_evenly(clock: Clock) -> None:
    await take(10)
    clock.now += 5.9
    assert await taken() == 1
    clock.now += 0.1
    assert await take(2) == [0, 6]
    clock.now += 3600
    assert await take(11) == [0] * 10 + [6]


async def test_keys_know_nothing_of_one_another() -> None:
    assert await take(11, "ana") == [0] * 10 + [6]
    assert await taken("eva") == 0


async def test_what_is_given_back_can_be_taken_again() -> None:
    await take(10)
    for _ in range(2):
        await tallies.give_back("ana", TEN_A_MINUTE)
    await tallies.give_back("nobody", TEN_A_MINUTE)
    assert await take(3) == [0, 0, 6]


async def test_many_at_the_same_time_get_no_more() -> None:
    waits = await asyncio.gather(*(taken() for _ in range(40)))
    assert waits.count(0) == 10
    assert min(wait for wait in waits if wait) >= 1


async def test_a_clock_that_went_wrong_locks_nobody_out(clock: Clock) -> None:
    clock.now += 86_400
    await take(3)
    clock.now -= 86_400
    assert await take(2) == [6, 6], "as if all had been taken"
    clock.now += 60
    assert await take(11) == [0] * 10 + [6]


async def test_what_has_come_back_is_forgotten(clock: Clock) -> None:
    await take(1, "ana")
    await take(3, "eva")
    clock.now += 7
    await tallies.forget()
    assert [tally.key for tally in await Tally.all()] == ["eva"]
    assert await take(11) == [0] * 10 + [6]
