"""The carriers of events, and what their tests publish and read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, aclosing
from datetime import timedelta
from typing import Protocol

from events.jetstream import connected
from events.log import EVERYTHING, Delivery, Entry, EventLog, Interests, Job
from events.memory import InProcessLog
from events.messages import Event, ImageUploaded
from services.journal import DatabaseJournal

UPLOADS = frozenset[type[Event]]({ImageUploaded})


class Carrier(Protocol):
    """What carries events, as processes find it one after the other, or beside each other."""

    async def open(self) -> EventLog:
        """The log as another process would open it."""
        ...


class InProcess:
    """The journal of the database."""

    async def open(self) -> InProcessLog:
        return InProcessLog(DatabaseJournal())


class JetStream:
    """A stream at a URL."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self._url, self._stack = url, stack

    async def open(self) -> EventLog:
        return await self._stack.enter_async_context(connected(self._url, timedelta(days=1)))


def entries(first: int, last: int) -> list[Entry]:
    """Uploads of the images from ``first`` to ``last``."""
    return [Entry(f"uid-{number}", ImageUploaded(number)) for number in range(first, last + 1)]


def numbers(deliveries: Sequence[Delivery]) -> list[int]:
    return [delivery.event.image_id for delivery in deliveries if isinstance(delivery.event, ImageUploaded)]


async def take(log: EventLog, after: int, count: int, interests: Interests = EVERYTHING) -> list[Delivery]:
    """The next ``count`` deliveries behind ``after``."""
    taken: list[Delivery] = []
    async with asyncio.timeout(20), aclosing(log.stream(after, interests)) as deliveries:
        async for delivery in deliveries:
            taken.append(delivery)
            if len(taken) == count:
                break
    return taken


async def jobs_of(
    log: EventLog, count: int, kinds: frozenset[type[Event]] = UPLOADS, group: str = "group"
) -> tuple[AsyncGenerator[Job], list[Job]]:
    """A group's work and its first ``count`` jobs, none of them done."""
    work = log.work(group, kinds)
    async with asyncio.timeout(20):
        return work, [await anext(work) for _ in range(count)]
