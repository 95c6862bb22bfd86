"""The log of one process: events in order in a journal, announced to the tasks that wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from time import monotonic
from typing import Protocol

from events.log import EVERYTHING, Backlog, Delivery, Entry, Interests
from events.messages import Event
from events.window import Window

SAVE_EVERY_SECONDS = 0.5


class Journal(Protocol):
    """Where the log keeps its order and its workers' progress, so that both outlive the process."""

    async def append(self, entries: Sequence[Entry]) -> list[Delivery]:
        """Give each new entry its place, durably; entries known by their uid are passed over."""
        ...

    async def read(self, after: int, limit: int) -> list[Delivery]: ...

    async def bounds(self) -> tuple[int, int]:
        """How far events are no longer kept, and the place of the newest; 0 when there is none."""
        ...

    async def count(self, after: int, kinds: frozenset[type[Event]]) -> int:
        """How many events of these kinds lie behind a place."""
        ...

    async def progress(self, group: str) -> int | None:
        """How far the group has done everything; None for a group never seen."""
        ...

    async def save_progress(self, group: str, position: int) -> None: ...


class InProcessLog:
    """An EventLog for one process over a journal that survives it."""

    def __init__(self, journal: Journal, before: int = 0) -> None:
        """Up to the place ``before`` a process that has ended may have had the jobs that are open."""
        self._journal, self._before = journal, before
        self._window = Window(journal.read, journal.bounds)
        self._publishing = asyncio.Lock()
        self._groups: dict[str, Progress] = {}

    async def publish(self, entries: Sequence[Entry]) -> None:
        async with self._publishing:
            try:
                new = await self._journal.append(entries)
            except BaseException:
                self._window.forget()  # the journal may have taken them all the same: there they are found
                raise
            self._window.add(new)
            if not new:  # an answer may have been lost, and nobody told of what it was about
                self._window.reaches(await self.head())

    async def check(self) -> None:
        await self.head()

    async def head(self) -> int:
        _, newest = await self._journal.bounds()
        return newest

    def stream(self, after: int, interests: Interests = EVERYTHING) -> AsyncGenerator[Delivery]:
        return self._window.stream(after, interests)

    @property
    def is_behind(self) -> bool:
        return self._window.is_behind

    async def work(self, group: str, kinds: frozenset[type[Event]]) -> AsyncGenerator[InProcessJob]:
        progress = Progress(self._journal, group, await self._beginning(group))
        self._groups[group] = progress
        try:
            async for delivery in self.stream(progress.reached):
                if type(delivery.event) in kinds:
                    progress.begin(delivery.position)
                    yield InProcessJob(delivery, progress, 2 if delivery.position <= self._before else 1)
                else:
                    progress.pass_over(delivery.position)
                    await progress.save_if_due()
        finally:
            await progress.save()

    async def backlog(self, group: str, kinds: frozenset[type[Event]]) -> Backlog:
        if progress := self._groups.get(group):
            in_hand, seen, done = progress.in_hand, progress.seen, progress.done
        else:
            in_hand, seen, done = 0, await self._beginning(group), 0
        return Backlog(in_hand + await self._journal.count(seen, kinds), done)

    async def _beginning(self, group: str) -> int:
        """Where the group has got to; one never seen begins with the oldest event that is kept."""
        reached = await self._journal.progress(group)
        return (await self._journal.bounds())[0] if reached is None else reached


class Progress:
    """How far a group has done everything: just below its oldest job that is still open."""

    def __init__(self, journal: Journal, group: str, reached: int) -> None:
        self._journal, self._group = journal, group
        self._open: dict[int, None] = {}  # in the order of their places
        self.seen, self.done = reached, 0
        self._saving = asyncio.Lock()
        self._saved = reached
        self._saved_at = 0.0

    @property
    def reached(self) -> int:
        oldest = next(iter(self._open), None)
        return self.seen if oldest is None else oldest - 1

    @property
    def in_hand(self) -> int:
        """Jobs that are open, of those that have been handed out."""
        return len(self._open)

    def begin(self, position: int) -> None:
        self._open[position], self.seen = None, position

    def pass_over(self, position: int) -> None:
        """What is no work of the group."""
        self.seen = position

    def finish(self, position: int) -> None:
        self._open.pop(position, None)
        self.done += 1

    async def save(self) -> None:
        async with self._saving:  # one after the other: an older place never replaces a newer one
            if (reached := self.reached) > self._saved:
                await self._journal.save_progress(self._group, reached)
                self._saved, self._saved_at = reached, monotonic()

    async def save_if_due(self) -> None:
        """Saved now and then: after a crash a few jobs come again, and handlers bear that."""
        if monotonic() - self._saved_at >= SAVE_EVERY_SECONDS:
            await self.save()


class InProcessJob:
    """A delivery to a worker of this process."""

    def __init__(self, delivery: Delivery, progress: Progress, delivered: int) -> None:
        self.delivery, self._progress, self._delivered = delivery, progress, delivered

    @property
    def event(self) -> Event:
        return self.delivery.event

    @property
    def delivered(self) -> int:
        return self._delivered

    async def done(self) -> None:
        self._progress.finish(self.delivery.position)
        await self._progress.save_if_due()
