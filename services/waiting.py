"""Waiting for predictions, for scripts that want the finding in the answer to the upload."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import aclosing

from events.log import EventLog, Interest, LogAway
from events.messages import PredictionFailed, PredictionMade
from services import predictions


async def until_judged(
    log: EventLog, after: int, owner_id: int, image_ids: Iterable[int], seconds: float
) -> None:
    """Return when every image of a user's is judged, by an event behind ``after``, or the time is over.

    By the model that is in service then, even where another was promoted meanwhile.
    """
    images = list(image_ids)
    if seconds <= 0 or not images:
        return
    try:
        async with asyncio.timeout(seconds):
            await _drain(log, after, owner_id, images)
    except (TimeoutError, LogAway):
        return


async def _drain(log: EventLog, after: int, owner_id: int, image_ids: Iterable[int]) -> None:
    pending, judged = set(image_ids), set[int]()
    outcomes = frozenset(Interest(kind, owner_id) for kind in (PredictionMade, PredictionFailed))
    async with aclosing(log.stream(after, outcomes)) as deliveries:
        async for delivery in deliveries:
            match delivery.event:
                case PredictionMade(image_id=image_id) if image_id in pending:
                    judged.add(image_id)
                    pending.remove(image_id)
                case PredictionFailed(image_id=image_id):
                    pending.discard(image_id)
            if not pending:
                pending = judged - (await predictions.current(judged)).keys()
                judged -= pending
            if not pending:
                return
