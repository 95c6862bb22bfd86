"""Rows and the events that tell of them, committed together and published afterwards."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from time import monotonic
from typing import Any, TypeVar
from uuid import uuid4

from events.log import LAST, Entry, EventLog
from events.messages import KINDS, Event, from_payload, origin_of, to_payload
from services import following, measurements, tracing
from store.database import atomically
from store.inserting import insert
from store.kept import Kept
from store.tables import OutboxEvent

T = TypeVar("T")

BATCH = 200
SWEEP_SECONDS = 5.0
"""How often the relay looks for what has waited since it last did: whoever committed it has died, perhaps."""
RETRY_SECONDS = 1.0
LOOK_SECONDS = 0.02
"""Between looks at whether what was committed has been heard."""
REMEMBERED = 10_000
"""Events of its own that a relay remembers while the log is away; it finds the others as it sweeps."""

# Events of a newer version of the program wait for it and hold nothing up.
OWN = Kept(
    OutboxEvent,
    lambda uids, kinds: OutboxEvent.filter(uid__in=uids, kind__in=kinds).order_by("id"),
)
UP_TO = Kept(
    OutboxEvent,
    lambda left, kinds, count: OutboxEvent.filter(id__lte=left, kind__in=kinds).order_by("id").limit(count),
)

_uids: ContextVar[list[str] | None] = ContextVar("_uids", default=None)
"""Of the events that the transaction under way has recorded; some may be undone, and recorded again."""

logger = logging.getLogger(__name__)


async def record(event: Event) -> None:
    """Write the event beside the rows of the transaction under way."""
    await record_all([event])


async def record_all(events: Iterable[Event]) -> None:
    """Write events, in order, beside the rows of the transaction under way."""
    rows = [_row(event) for event in events]
    await insert(OutboxEvent, rows)
    if (uids := _uids.get()) is not None:
        uids += [str(row["uid"]) for row in rows]


def _row(event: Event) -> dict[str, Any]:
    kind = type(event).__name__
    with tracing.span(kind, "producer"):
        origin = following.origin() | tracing.carried()
    return {"uid": uuid4().hex, "kind": kind, "payload": to_payload(event, origin)}


def _entry(row: OutboxEvent) -> Entry:
    return Entry(row.uid, from_payload(row.kind, row.payload), row.created_at, origin_of(row.payload))


class Outbox:
    """Commits transactions, and relays what they recorded to the log."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._committed = asyncio.Event()
        self._own: list[str] = []

    async def commit(self, body: Callable[[], Awaitable[T]]) -> T:
        """Run ``body`` in one transaction and wake the relay; see `store.database.atomically`."""
        uids: list[str] = []
        before = _uids.set(uids)
        try:
            return await atomically(body)
        finally:  # also for a caller that was cancelled: its transaction has committed
            _uids.reset(before)
            self._own += uids[: max(0, REMEMBERED - len(self._own))]
            self._committed.set()

    async def heard(self, seconds: float) -> None:
        """Return once streams of this process have all that was committed here, or after so many seconds."""
        until = monotonic() + seconds
        while self._is_behind and monotonic() < until:  # noqa: ASYNC110 - what a stream takes is no event
            await asyncio.sleep(LOOK_SECONDS)

    @property
    def _is_behind(self) -> bool:
        return bool(self._own) or self._log.is_behind

    async def relay(self) -> None:
        """Publish for ever; a fault of database or log delays events, and loses none.

        Each process publishes what it has committed itself, at once, and what waits from one sweep to the
        next, whoever committed it: else all of them would publish everything.
        """
        left, sweep_at = LAST, monotonic()  # at the start all that waits
        while True:
            self._committed.clear()
            try:
                await self._publish_own(sweep_at)
                if monotonic() >= sweep_at:
                    left = await self._sweep(left)
                    sweep_at = monotonic() + SWEEP_SECONDS
            except Exception:
                logger.exception("events wait in the outbox: publishing failed, trying again")
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if not self._own:
                await self._wait(sweep_at)

    async def _publish_own(self, until: float) -> None:
        """Until there are none, or it is time to sweep: some may be committed without an end."""
        while self._own and monotonic() < until:
            own = self._own[:BATCH]
            await self._publish(await OWN.rows(own, list(KINDS)))
            del self._own[: len(own)]  # others are added behind them meanwhile

    async def _sweep(self, left: int) -> int:
        """Publish what was there at the last sweep; the newest that waits now."""
        while rows := await UP_TO.rows(left, list(KINDS), BATCH):
            await self._publish(rows)
        newest = await OutboxEvent.all().order_by("-id").first()
        return newest.id if newest else 0

    async def _publish(self, rows: list[OutboxEvent]) -> None:
        if not rows:
            return
        await self._log.publish([_entry(row) for row in rows])
        now = datetime.now(UTC)
        for row in rows:
            measurements.EVENT_LAG.observe(max(0.0, (now - row.created_at).total_seconds()))
        await OutboxEvent.filter(id__in=[row.id for row in rows]).delete()

    async def _wait(self, until: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(until - monotonic()):
                await self._committed.wait()
