"""A loader finds together what is asked for in one turn of the event loop."""

import asyncio
from collections.abc import Awaitable, Mapping

import pytest

from schema.loaders import BATCH, Loader, by_key, lists_by_key


class Rows:
    """Squares of the numbers under a hundred, found while the ``gate`` is open, and what was searched for."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.fault: Exception | None = None

    async def find(self, keys: list[int]) -> Mapping[int, int]:
        self.asked.append(keys)
        await self.gate.wait()
        if self.fault:
            raise self.fault
        return {key: key * key for key in keys if key < 100}


def waiting(*futures: Awaitable[int | None]) -> list[asyncio.Future[int | None]]:
    return [asyncio.ensure_future(future) for future in futures]


async def test_what_is_asked_in_one_turn_is_found_in_one_search() -> None:
    rows = Rows()
    loader = by_key(rows.find)
    assert await loader.load_many([2, 3, 2, 500]) == [4, 9, 4, None]
    assert rows.asked == [[2, 3, 500]]


async def test_what_was_found_is_kept_and_so_is_that_there_is_nothing() -> None:
    rows = Rows()
    loader = by_key(rows.find)
    assert await loader.load_many([2, 500]) == [4, None]
    assert await loader.load_many([500, 3, 2]) == [None, 9, 4]
    assert rows.asked == [[2, 500], [3]]


async def test_what_is_under_way_is_waited_for() -> None:
    rows = Rows()
    loader = by_key(rows.find)
    rows.gate.clear()
    first = loader.load(2)
    while not rows.asked:
        await asyncio.sleep(0)
    second = loader.load(2)
    rows.gate.set()
    assert (await first, await second) == (4, 4)
    assert rows.asked == [[2]]


async def test_a_loader_that_keeps_nothing_looks_anew_in_each_turn_and_waits_for_no_older_search() -> None:
    rows = Rows()
    loader = by_key(rows.find, keeps=False)
    rows.gate.clear()
    first = loader.load(2)
    while not rows.asked:
        await asyncio.sleep(0)
    second, third = loader.load(2), loader.load(2)
    rows.gate.set()
    assert (await first, await second, await third) == (4, 4, 4)
    assert rows.asked == [[2], [2]]


async def test_one_who_goes_away_takes_nothing_from_the_others() -> None:
    rows = Rows()
    loader = by_key(rows.find)
    goes, stays = waiting(loader.load(2), loader.load(2))
    goes.cancel()
    assert await stays == 4
    assert goes.cancelled()


async def test_a_search_that_fails_fails_for_all_who_wait_and_is_made_again_for_the_next() -> None:
    rows = Rows()
    loader = by_key(rows.find)
    rows.fault = RuntimeError("away")
    failed = await asyncio.gather(loader.load(2), loader.load(3), return_exceptions=True)
    assert [str(error) for error in failed] == ["away", "away"]
    rows.fault = None
    assert await loader.load(2) == 4


async def test_a_search_that_finds_nonsense_fails_for_all_who_wait() -> None:
    async def find(_: list[int]) -> Mapping[int, int]:
        return None  # type: ignore[return-value]

    loader = by_key(find)
    failed = await asyncio.gather(loader.load(2), loader.load(3), return_exceptions=True)
    assert [type(error) for error in failed] == [TypeError, TypeError]


async def test_a_search_that_is_cancelled_leaves_nobody_waiting() -> None:
    async def find(_: list[int]) -> Mapping[int, int]:
        raise asyncio.CancelledError

    loader = by_key(find)
    first, second = loader.load(2), loader.load(3)
    with pytest.raises(asyncio.CancelledError):
        await first
    assert second.cancelled()


async def test_who_asks_a_turn_later_is_answered_by_the_same_search() -> None:
    rows = Rows()
    loader = by_key(rows.find)
    first = loader.load(2)
    await asyncio.sleep(0)
    assert (await first, await loader.load(2)) == (4, 4)
    later = loader.load(3)
    await asyncio.sleep(0)
    assert await loader.load_many([5]) == [25]
    assert await later == 9
    assert rows.asked == [[2], [3, 5]]


async def test_many_keys_are_searched_for_in_parts() -> None:
    rows = Rows()
    loader = by_key(rows.find)
    assert len(await loader.load_many(range(BATCH + 1))) == BATCH + 1
    assert [len(keys) for keys in rows.asked] == [BATCH, 1]


async def test_lists_that_are_missing_are_empty_and_nobody_elses() -> None:
    async def find(keys: list[int]) -> Mapping[int, list[int]]:
        return {1: [1]} if 1 in keys else {}

    loader: Loader[int, list[int]] = lists_by_key(find)
    one, two, three = await loader.load_many([1, 2, 3])
    two.append(7)
    assert (one, three) == ([1], [])


@pytest.mark.parametrize("keeps", [True, False])
async def test_it_holds_nothing_of_a_search_that_is_over(keeps: bool) -> None:
    loader = by_key(Rows().find, keeps=keeps)
    await loader.load(2)
    await asyncio.sleep(0)
    assert not loader._asked
    assert not loader._sought
    assert not loader._searches
