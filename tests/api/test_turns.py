"""Turns: so many at once, so many of one holder, and nobody is kept who has none."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from api.turns import Turns


async def waits(turns: Turns, holder: str) -> bool:
    """Whether somebody who asks now has to wait; who does goes away again."""

    async def ask() -> None:
        async with turns.turn(holder):
            pass

    try:
        async with asyncio.timeout(0.05):
            await ask()
    except TimeoutError:
        return True
    return False


async def test_who_has_as_many_as_may_be_waits_and_keeps_nobody_else_from_a_turn() -> None:
    turns = Turns(at_once=3, of_one=2)
    async with AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(turns.turn("ana"))
        waiting = [asyncio.create_task(turns.turn("ana").__aenter__()) for _ in range(5)]
        assert await waits(turns, "ana")
        assert not await waits(turns, "eva")
        await stack.enter_async_context(turns.turn("eva"))
        assert await waits(turns, "leo"), "three are taken"
        assert not any(task.done() for task in waiting)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert len(turns) == 2
    assert len(turns) == 0
    assert not await waits(turns, "leo")


async def test_a_turn_is_given_back_by_whoever_fails() -> None:
    turns = Turns(at_once=1, of_one=1)
    with pytest.raises(ValueError, match="of a test"):
        async with turns.turn("ana"):
            raise ValueError("of a test")
    assert len(turns) == 0
    assert not await waits(turns, "eva")
