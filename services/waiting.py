"""Waiting for predictions, for scripts that want the finding in the answer to the upload."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import aclosing

from events.log import EventLog, Interest, LogAway
from events.messages import PredictionFailed, PredictionMade


async def until_judged(
    log: EventLog, after: int, owner_id: int, image_ids: Iterable[int], seconds: float
) -> None:
    """Return when every image of a user's is judged, by an event behind ``after``, or the time is over."""
    pending = set(image_ids)
    if seconds <= 0 or not pending:
        return
    try:
        async with asyncio.timeout(seconds):
            await _drain(log, after, owner_id, pending)
    except (TimeoutError, LogAway):
        return


async def _drain(log: EventLog, after: int, owner_id: int, pending: set[int]) -> None:
    outcomes = frozenset(Interest(kind, owner_id) for kind in (PredictionMade, PredictionFailed))
    async with aclosing(log.stream(after, outcomes)) as deliveries:
        async for delivery in deliveries:
            if isinstance(delivery.event, PredictionMade | PredictionFailed):
                pending.discard(delivery.event.image_id)
            if not pending:
                return
