"""Rows and the events that tell of them, committed together and published afterwards."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar
from uuid import uuid4

from events.log import Entry, EventLog
from events.messages import KINDS, Event, from_payload, to_payload
from store.database import atomically
from store.inserting import insert
from store.tables import OutboxEvent

T = TypeVar("T")

BATCH = 200
SWEEP_SECONDS = 5.0
"""How often the relay looks without being woken: for events that another process committed."""
RETRY_SECONDS = 1.0

logger = logging.getLogger(__name__)


async def record(event: Event) -> None:
    """Write the event beside the rows of the transaction under way."""
    await record_all([event])


async def record_all(events: Iterable[Event]) -> None:
    """Write events, in order, beside the rows of the transaction under way."""
    rows = (
        {"uid": uuid4().hex, "kind": type(event).__name__, "payload": to_payload(event)} for event in events
    )
    await insert(OutboxEvent, rows)


class Outbox:
    """Commits transactions, and relays what they recorded to the log."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._committed = asyncio.Event()

    async def commit(self, body: Callable[[], Awaitable[T]]) -> T:
        """Run ``body`` in one transaction and wake the relay; see `store.database.atomically`."""
        try:
            return await atomically(body)
        finally:
            self._committed.set()  # also for a caller that was cancelled: its transaction has committed

    async def relay(self) -> None:
        """Publish for ever; a fault of database or log delays events, and loses none."""
        while True:
            self._committed.clear()
            try:
                while await self._publish_some():
                    pass
            except Exception:
                logger.exception("events wait in the outbox: publishing failed, trying again")
                await asyncio.sleep(RETRY_SECONDS)
                continue
            await self._wait()

    async def _publish_some(self) -> bool:
        # Those of a newer version of the program wait for it and hold nothing up.
        waiting = OutboxEvent.filter(kind__in=list(KINDS)).order_by("id").limit(BATCH)
        rows = await waiting.values_list("id", "uid", "kind", "payload", "created_at")
        if rows:
            await self._log.publish(
                [Entry(uid, from_payload(kind, told), since) for _, uid, kind, told, since in rows]
            )
            await OutboxEvent.filter(id__in=[row for row, *_ in rows]).delete()
        return bool(rows)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(SWEEP_SECONDS):
                await self._committed.wait()
        except TimeoutError:
            return
