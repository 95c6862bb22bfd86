"""Waiting for predictions, for scripts that want the finding in the answer to the upload."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import aclosing

from events.log import EventLog, LogAway
from events.messages import PredictionFailed, PredictionMade


async def until_judged(log: EventLog, after: int, image_ids: Iterable[int], seconds: float) -> None:
    """Return when every image is judged, by an event behind ``after``, or when the time is over."""
    pending = set(image_ids)
    if seconds <= 0 or not pending:
        return
    try:
        async with asyncio.timeout(seconds):
            await _drain(log, after, pending)
    except (TimeoutError, LogAway):
        return


async def _drain(log: EventLog, after: int, pending: set[int]) -> None:
    async with aclosing(log.stream(after)) as deliveries:
        async for delivery in deliveries:
            if isinstance(delivery.event, PredictionMade | PredictionFailed):
                pending.discard(delivery.event.image_id)
            if not pending:
                return
