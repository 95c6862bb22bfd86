"""One in each turn of the event loop."""

import asyncio

from schema.turnstile import Turnstile


async def test_one_in_each_turn_in_the_order_in_which_they_came() -> None:
    loop, turnstile = asyncio.get_running_loop(), Turnstile()
    turn, passed = [0], list[tuple[int, int]]()

    def count() -> None:
        turn[0] += 1
        loop.call_soon(count)

    async def come(number: int) -> None:
        for _ in range(3):
            await turnstile.passed()
            passed.append((number, turn[0]))

    count()
    async with asyncio.timeout(5):
        await asyncio.gather(*map(come, range(5)))
    assert [number for number, _ in passed] == [0, 1, 2, 3, 4] * 3
    assert len({at for _, at in passed}) == len(passed)
    assert passed[-1][1] - passed[0][1] < 2 * len(passed), "and no turn, or hardly one, is left out"


async def test_whoever_goes_away_keeps_nobody_waiting() -> None:
    turnstile = Turnstile()
    waiting = [asyncio.create_task(turnstile.passed()) for _ in range(4)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    waiting[2].cancel()
    async with asyncio.timeout(5):
        await asyncio.gather(waiting[1], waiting[3])
        await turnstile.passed()
        await asyncio.sleep(0.01)
        await turnstile.passed()
