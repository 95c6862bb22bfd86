"""Many who all have something to do at the same moment, one after the other."""

from __future__ import annotations

import asyncio
from collections import deque


class Turnstile:
    """Lets one through in each turn of the event loop, in the order in which they came.

    A request takes some fifty turns. Where twenty subscribers are shown an event in each of them, a thousand
    events in a row make whoever asks wait for all twenty, fifty times; so for one.
    """

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def passed(self) -> None:
        """Return when it is one's turn."""
        loop = asyncio.get_running_loop()
        mine: asyncio.Future[None] = loop.create_future()
        self._waiting.append(mine)
        if len(self._waiting) == 1:
            loop.call_soon(self._let_one_through)
        await mine

    def _let_one_through(self) -> None:
        while self._waiting and self._waiting[0].done():  # it went away while it waited
            self._waiting.popleft()
        if not self._waiting:
            return
        # It stays the first for this turn, so that whoever comes meanwhile is behind it.
        self._waiting[0].set_result(None)
        asyncio.get_running_loop().call_soon(self._let_one_through)
