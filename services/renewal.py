"""After a promotion every image is judged anew and, where the network is another, its features are made anew.

What is still to do stands in the rows: an image names the network whose features are kept of it. So whoever
takes the job up again, after a crash or on a second server, goes on where it was left.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from tortoise.expressions import Subquery

from events.messages import ImageUploaded, ModelPromoted
from services import finding_changes
from services.diagnosis import Diagnosis
from services.inference import Serving
from services.keys import features_key
from services.permissions import admin
from services.retrying import Retrying
from store.tables import Image, Label, User

PAUSE_SECONDS = 0.05
"""Between looks at whether uploads wait."""
FAULTS_IN_A_ROW = 10
"""After so many something larger than an image is wrong: the job ends, and is tried again after a pause."""
ATTEMPTS = 5
"""At an image whose neighbours go well, as at an upload."""
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


@dataclass(frozen=True)
class Renewal:
    """The reaction to a promotion; it may come twice and does its work once."""

    diagnosis: Diagnosis
    retrying: Retrying
    _faults: Counter[int] = field(default_factory=Counter)

    async def progress(self, viewer: User | None) -> Progress:
        """How far the features of the network that serves here are; for administrators."""
        admin(viewer)
        name = self._extractor
        done, total = await Image.filter(features=name).count(), await Image.all().count()
        failed = await Image.filter(features__isnull=True, failure__isnull=False).count()
        return Progress(name, done, failed, total)

    async def renew(self, event: ModelPromoted) -> None:
        """Judge every image by the promoted model, from stored features or from new ones.

        Raises:
            CannotRenew: some are still to do.
        """
        faulty = await self.diagnosis.renew(event)
        if await Image.read_by_others(self._extractor).exists():
            await self._make_anew()
            await finding_changes.tell(self.diagnosis.outbox, event.model_id)
        if faulty:
            if len(faulty) < FAULTS_IN_A_ROW:
                await self._count_faults(faulty)
            raise CannotRenew(f"features of {len(faulty)} images were lost and could not be made again")
        self.retrying.soon()

    async def _make_anew(self) -> None:
        """One image at a time, and uploads first: the labelled, which trainings wait for, then the newest."""
        serving, name = self.diagnosis.inference.serving, self._extractor
        total, done = await Image.read_by_others(name).count(), 0
        faulty: dict[int, Image] = {}
        for labelled in (True, False):
            last, in_a_row = None, 0
            while (image := await self._next(serving, labelled, last)) is not None:
                last = image.id
                if not await self._made(image):
                    faulty[image.id], in_a_row = image, in_a_row + 1
                    if in_a_row == FAULTS_IN_A_ROW:
                        raise CannotRenew(f"features of {in_a_row} images in a row could not be made")
                    continue
                in_a_row, done = 0, done + 1
                if done * PARTS // max(total, 1) > (done - 1) * PARTS // max(total, 1):
                    logger.info("features by %s: %d of %d images", name, done, total)
        await self._count_faults(faulty.values())
        if await self._is_in_service(serving) and (left := await Image.read_by_others(name).count()):
            raise CannotRenew(f"features of {left} images are still to be made")

    async def _next(self, serving: Serving, labelled: bool, last: int | None) -> Image | None:
        """The newest image before the last with another network's features; none after another promotion."""
        while self.diagnosis.inference.queue_length:  # noqa: ASYNC110 - that nobody waits is no event
            await asyncio.sleep(PAUSE_SECONDS)
        if not await self._is_in_service(serving):
            return None
        query = Image.read_by_others(self._extractor).order_by("-id")
        if labelled:
            query = query.filter(id__in=Subquery(Label.standing().values("image_id")))
        return await (query if last is None else query.filter(id__lt=last)).first()

    async def _is_in_service(self, serving: Serving) -> bool:
        """Here and in the database; else another promotion, or another server's network, goes first."""
        return serving is self.diagnosis.inference.serving and await self.diagnosis.models.is_current()

    async def _made(self, image: Image) -> bool:
        """Whether the image is done with: it is judged by its new features, or told to be unreadable."""
        if not await self.diagnosis.diagnose_again(image):
            return False
        await self._forget_old(image)
        return True

    async def _count_faults(self, faulty: Collection[Image]) -> None:
        """The others went well: what fails again and again is told, and nobody waits for it any longer."""
        for image in faulty:
            self._faults[image.id] += 1
            if self._faults[image.id] == ATTEMPTS:
                await self.diagnosis.give_up(ImageUploaded(image.id))
                await self._forget_old(image)

    async def _forget_old(self, image: Image) -> None:
        """Remove the other network's features; an image that has no new ones has none from now on."""
        old = str(image.features)
        if await Image.filter(id=image.id, features=old).update(features=None):
            logger.warning("image %d: there are no features of it any more", image.id)
        await self.diagnosis.blobs.delete([features_key(old, image.key)])

    @property
    def _extractor(self) -> str:
        return self.diagnosis.inference.extractor.name
