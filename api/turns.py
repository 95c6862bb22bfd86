"""Turns at what is done for a few at a time, of which one holder may have only some."""

from __future__ import annotations

from asyncio import Semaphore
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass
class _Own:
    """The turns of one holder, and how many have or want one."""

    turns: Semaphore
    asking: int = 0


class Turns:
    """So many at once, and so many of one holder; who wants more than that keeps nobody else from theirs."""

    def __init__(self, at_once: int, of_one: int) -> None:
        self._all, self._of_one = Semaphore(at_once), of_one
        self._own: dict[str, _Own] = {}

    @asynccontextmanager
    async def turn(self, holder: str) -> AsyncIterator[None]:
        """Waits for a turn, and has it for as long as the context lasts."""
        own = self._own.setdefault(holder, _Own(Semaphore(self._of_one)))
        own.asking += 1
        try:
            # The holder's first: who waits for one of these must not keep one of everybody's meanwhile.
            async with own.turns, self._all:
                yield
        finally:
            own.asking -= 1
            if not own.asking:
                del self._own[holder]  # or all who ever asked would be kept

    def __len__(self) -> int:
        """How many holders have or want a turn."""
        return len(self._own)
