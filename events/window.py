"""The newest events at hand: what every subscriber of a process reads, wherever the log keeps the others."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from itertools import takewhile

from events.log import CursorExpired, Delivery

RECENT = 4096
"""Deliveries kept at hand; a subscriber that has fallen further behind reads the log."""
PAGE = 500

Read = Callable[[int, int], Awaitable[list[Delivery]]]
Bounds = Callable[[], Awaitable[tuple[int, int]]]


class Window:
    """The end of a log, announced to the tasks that wait for it."""

    def __init__(self, read: Read, bounds: Bounds) -> None:
        """``read`` gives at most so many deliveries behind a place, ``bounds`` how far events are no longer
        kept, and the place of the newest."""
        self._read, self._bounds = read, bounds
        # Without a gap: what the log holds behind its first delivery is all here.
        self._recent: deque[Delivery] = deque(maxlen=RECENT)
        self._newest = 0
        self._grown = asyncio.Condition()

    async def add(self, deliveries: Sequence[Delivery]) -> None:
        """Announce what the log has got, in its order."""
        self._recent.extend(deliveries)
        await self.reaches(self._recent[-1].position if self._recent else 0)

    async def reaches(self, newest: int) -> None:
        """Wake those who wait for what came up to a place, at hand or not."""
        self._newest = max(self._newest, newest)
        async with self._grown:
            self._grown.notify_all()

    def forget(self) -> None:
        """What is at hand may lack something; the log has it."""
        self._recent.clear()

    async def stream(self, after: int) -> AsyncGenerator[Delivery]:
        """As `events.log.EventLog.stream`."""
        await self._refuse_expired(after)
        position = after
        while True:
            behind = await self._behind(position)
            for delivery in behind:
                yield delivery
                position = delivery.position
            if not behind:
                await self._wait_beyond(position)

    async def _refuse_expired(self, after: int) -> None:
        dropped, newest = await self._bounds()
        if after < dropped:
            raise CursorExpired(f"events up to {dropped} are no longer kept")
        if after > newest:
            raise CursorExpired("this cursor is of another log")

    async def _behind(self, position: int) -> list[Delivery]:
        if self._recent and position >= self._recent[0].position - 1:
            fresh = list(takewhile(lambda delivery: delivery.position > position, reversed(self._recent)))
            return fresh[::-1]
        return await self._read(position, PAGE)

    async def _wait_beyond(self, position: int) -> None:
        async with self._grown:
            await self._grown.wait_for(lambda: self._newest > position)
