"""After a promotion every image is judged anew and, where the network is another, from features made anew."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from time import monotonic

from events.messages import ModelPromoted
from services.counting import count_of
from services.diagnosis import Diagnosis
from services.inference import Serving
from services.permissions import admin
from services.remaking import BATCH, FAULTS_IN_A_ROW, Remaking, in_force, wrong_network
from services.retrying import Retrying
from store.tables import Image, User

LOOK_SECONDS = 0.5
"""Between looks at how far it is, or longer, where to count takes long."""
LOOKS_SHARE = 50
"""A look takes one in so many seconds at most."""
LYING_SECONDS = 3600.0
"""After so long without any progress the work is shared out again: its events may have been dropped."""
BATCH_SECONDS = 60.0
"""After so long for each batch that is left, where they are few: what a process judged that had yet to hear
of the change is in none."""
PARTS = 20
"""Of the way, after each of which the log says how far it is."""

logger = logging.getLogger(__name__)


class CannotRenew(Exception):
    """Features of some images could not be made, for a reason of ours."""


@dataclass(frozen=True)
class Progress:
    """Of all images, how many have features by the network in service, and how many cannot be read."""

    extractor: str
    done: int
    failed: int
    total: int


@dataclass
class Renewal:
    """The reaction to a promotion; it may come twice and does its work once."""

    diagnosis: Diagnosis
    retrying: Retrying
    remaking: Remaking
    left: int = 0
    """Images whose features are to be made anew, as far as the one process knows that follows it."""

    async def progress(self, viewer: User | None) -> Progress:
        """How far the features of the network that serves here are; for administrators."""
        admin(viewer)
        name = self.remaking.extractor
        done, total = await Image.filter(features=name).count(), await Image.all().count()
        failed = await Image.filter(features__isnull=True, failure__isnull=False).count()
        return Progress(name, done, failed, total)

    async def renew(self, event: ModelPromoted) -> None:
        """Judge every image by the promoted model, from stored features or from new ones.

        Raises:
            CannotRenew: some are still to do, or another process has to do it, with the network in service.
        """
        faulty = await self.diagnosis.renew(event)
        if (wanted := await in_force()) != self.remaking.extractor:
            raise CannotRenew(wrong_network(wanted, self.remaking.extractor))
        if await Image.read_by_others(wanted).exists():
            await self._have_features_made(self.diagnosis.inference.serving)
            # What a worker had extracted when it died is judged, and all that is another now is told.
            faulty = await self.diagnosis.renew(event)
        if faulty:
            if len(faulty) < FAULTS_IN_A_ROW:
                await self.remaking.count_faults(faulty)
            raise CannotRenew(f"lost, and not made again: features of {count_of(len(faulty), 'image')}")
        self.retrying.soon()

    async def _have_features_made(self, serving: Serving) -> None:
        """Share the work out among all who work, and follow it to its end or to another promotion."""
        total = self.left = await self._count()
        moved: float | None = None
        try:
            while self.left and await self._is_in_service(serving):
                began = monotonic()
                if moved is None or began - moved >= self._patience:
                    await self.remaking.share_out()
                    moved = began
                before, self.left = self.left, await self._count()
                if self.left != before:
                    moved = began
                    self._tell(total, before)
                await asyncio.sleep(max(LOOK_SECONDS, LOOKS_SHARE * (monotonic() - began)))
        finally:
            self.left = 0

    @property
    def _patience(self) -> float:
        """How many seconds may pass without any progress."""
        return min(LYING_SECONDS, BATCH_SECONDS * max(1.0, self.left / BATCH))

    async def _count(self) -> int:
        return await Image.read_by_others(self.remaking.extractor).count()

    async def _is_in_service(self, serving: Serving) -> bool:
        """Here and in the database; else another promotion goes first."""
        return serving is self.diagnosis.inference.serving and await self.diagnosis.models.is_current()

    def _tell(self, total: int, before: int) -> None:
        done = total - self.left
        if done * PARTS // total > (total - before) * PARTS // total:
            logger.info("features by %s: %d of %d images", self.remaking.extractor, done, total)
