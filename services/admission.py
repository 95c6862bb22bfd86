"""Whether more images are taken: so many may wait to be judged, and then uploads are told when to come back.

All servers see one queue, that of the log; each adds what it let in itself and the log cannot count yet, so
that they may overshoot by what the others took in a moment.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic
from typing import NamedTuple

from events.log import EventLog, LogAway
from events.messages import ImageUploaded
from services import measurements
from services.errors import Code, TooMany

JUDGING = "diagnosis"
"""The group that judges what was uploaded; see `services.reactions`."""
LOOK_SECONDS = 0.5
AWAY_SECONDS = 5.0
"""So long a log that is away is not asked again: each upload would wait for it."""
PACE_SECONDS = 30.0
"""The pace of judging is that of so long."""
SOONEST_SECONDS, LATEST_SECONDS = 1.0, 60.0
"""Within what bounds uploads are told to come back: paces change, and nobody has judged anything at first."""


class _Look(NamedTuple):
    at: float
    waiting: int
    done: int


class Admission:
    """Lets uploads in while fewer than ``most`` images wait to be judged; 0 is no limit."""

    def __init__(self, log: EventLog, most: int, clock: Callable[[], float] = monotonic) -> None:
        self._log, self._most, self._clock = log, most, clock
        self._looks: deque[_Look] = deque()
        self._let_in = self._on_their_way = 0
        self._away_until = 0.0
        self._looking = asyncio.Lock()

    @asynccontextmanager
    async def admitted(self, images: int) -> AsyncIterator[None]:
        """Let so many images in, all or none; they are on their way to the log as long as the context lasts.

        Raises:
            TooMany: as many wait as may.
        """
        await self._admit(images)
        self._let_in += images
        self._on_their_way += images
        try:
            yield
        finally:
            self._on_their_way -= images

    async def _admit(self, images: int) -> None:
        """Without the broker nobody knows how many wait, and all are taken."""
        if not self._most:
            return
        async with self._looking:
            if self._clock() < self._away_until:
                return
            try:
                await self._look()
            except LogAway:
                self._away_until = self._clock() + AWAY_SECONDS
                return
        if (over := self._looks[-1].waiting + self._let_in - self._most) >= 0:
            measurements.UPLOADS.labels(Code.RATE_LIMITED.value).inc(images)
            raise TooMany(self._until_judged(over + images), "too many images wait to be judged")

    async def _look(self) -> None:
        now = self._clock()
        if self._looks and now - self._looks[-1].at < LOOK_SECONDS:
            return
        there = self._let_in - self._on_their_way
        found = await self._log.backlog(JUDGING, frozenset({ImageUploaded}))
        self._let_in -= there  # the log counts them
        self._looks.append(_Look(now, found.open, found.done))
        while now - self._looks[0].at > PACE_SECONDS and len(self._looks) > 2:
            self._looks.popleft()

    def _until_judged(self, images: int) -> float:
        """Seconds in which so many are judged, at the pace of late."""
        first, last = self._looks[0], self._looks[-1]
        judged, seconds = last.done - first.done, last.at - first.at
        wait = images * seconds / judged if judged > 0 else LATEST_SECONDS / 4
        return min(max(wait, SOONEST_SECONDS), LATEST_SECONDS)
