"""After a change of the network features are made anew, some images at a time, by whoever works.

What is still to do stands in the rows: an image names the network whose features are kept of it. So a batch
that comes again, after a crash or in vain, goes on where it was left.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import partial
from time import monotonic

from tortoise.expressions import Subquery
from tortoise.queryset import QuerySet

from events.log import LAST
from events.messages import FeaturesMissed, ImageUploaded
from services import lookups
from services.counting import count_of
from services.diagnosis import Diagnosis
from services.keys import features_key
from services.outbox import record_all
from store.tables import Image, Label

BATCH = 64
"""Images of a batch at most: some seconds of a processor, and all that is done again after a crash."""
BATCHES_AT_ONCE = 100
"""That are shared out in one transaction."""
WAITING_SECONDS = 3600.0
"""After so long without any progress nobody waits for features any longer."""
LYING_SECONDS = 60.0
"""After so long they are asked for again."""
LOOK_SECONDS = 0.1
PAUSE_SECONDS = 0.05
"""Between looks at whether uploads wait."""
FAULTS_IN_A_ROW = 10
"""After so many something larger than an image is wrong: the batch ends, and is tried again after a pause."""
ATTEMPTS = 5
"""At an image whose neighbours go well, as at an upload."""

logger = logging.getLogger(__name__)


class CannotRemake(Exception):
    """Features of some images could not be made, for a reason of ours."""


@dataclass(frozen=True)
class Remaking:
    """Shares the images out, and makes the features of a batch; that may be asked for twice."""

    diagnosis: Diagnosis
    _faults: Counter[int] = field(default_factory=Counter)

    @property
    def extractor(self) -> str:
        """The name of this process's network."""
        return self.diagnosis.inference.extractor.name

    async def share_out(self) -> None:
        """Ask for all that is to do: of the labelled first, which trainings wait for, then of the newest."""
        for labelled in (True, False):
            last, size = LAST, await self._size(labelled)
            while size and (batches := await self._batches(labelled, last, size)):
                await self.diagnosis.outbox.commit(partial(record_all, batches))
                last = batches[-1].first_id

    async def remake(self, event: FeaturesMissed) -> None:
        """Make the features of a batch, one image at a time, and uploads first.

        Raises:
            CannotRemake: some are still to do.
        """
        faulty: dict[int, Image] = {}
        last, in_a_row = LAST, 0
        while (image := await self._next(event, last)) is not None:
            last = image.id
            if await self._made(image):
                in_a_row = 0
                continue
            faulty[image.id], in_a_row = image, in_a_row + 1
            if in_a_row == FAULTS_IN_A_ROW:
                raise CannotRemake(f"features of {in_a_row} images in a row could not be made")
        await self.count_faults(faulty.values())
        if await self._is_wanted(event) and (left := await _of(event).count()):
            raise CannotRemake(f"still to be made: features of {count_of(left, 'image')}")

    async def until_labelled_are_made(self) -> None:
        """Wait for the features of all that is labelled, as long as they become more.

        What was labelled as it came is about to have them. After a change of the network they are made anew,
        and a run that did not wait would forget what earlier runs knew. A process that had yet to hear of the
        change may have judged an image when all others were done: it is asked for again.

        Raises:
            TimeoutError: they have not become more for WAITING_SECONDS.
        """
        waiting, moved = await self._labelled_without(), monotonic()
        is_asked_for = False
        while waiting:
            await asyncio.sleep(LOOK_SECONDS)
            before, waiting = waiting, await self._labelled_without()
            lying = monotonic() - moved
            if waiting < before:
                moved, is_asked_for = monotonic(), False
            elif lying >= WAITING_SECONDS:
                raise TimeoutError(f"features of {waiting} labelled images are not made")
            elif lying >= LYING_SECONDS and not is_asked_for:
                await self.share_out()
                is_asked_for = True

    async def _labelled_without(self) -> int:
        return await Image.labelled_without_features(self.extractor).count()

    async def count_faults(self, faulty: Collection[Image]) -> None:
        """The others go well: what fails again and again is told, and nobody waits for it any longer."""
        if not await Image.filter(features=self.extractor).exists():
            return  # none has gone well: it is not the images
        for image in faulty:
            self._faults[image.id] += 1
            if self._faults[image.id] == ATTEMPTS:
                await self.diagnosis.give_up(ImageUploaded(image.id))
                await self._forget_old(image)

    async def _size(self, labelled: bool) -> int:
        """Of a batch, so that the last is no smaller than the others: in a small one a fault of ours would
        look like one of its images.
        """
        count = await _left(self.extractor, labelled).count()
        return -(-count // max(1, -(-count // BATCH)))

    async def _batches(self, labelled: bool, last: int, size: int) -> list[FeaturesMissed]:
        """The next ones below an id, the newest first."""
        query = _left(self.extractor, labelled).filter(id__lt=last).order_by("-id")
        ids = [image.id for image in await query.limit(size * BATCHES_AT_ONCE).only("id")]
        parts = [ids[start : start + size] for start in range(0, len(ids), size)]
        return [FeaturesMissed(self.extractor, part[-1], part[0], labelled) for part in parts]

    async def _next(self, event: FeaturesMissed, last: int) -> Image | None:
        """The newest image before the last that is still to do; none where the batch is no longer wanted."""
        while self.diagnosis.inference.queue_length:  # noqa: ASYNC110 - that nobody waits is no event
            await asyncio.sleep(PAUSE_SECONDS)
        if not await self._is_wanted(event):
            return None
        return await _of(event).filter(id__lt=last).order_by("-id").first()

    async def _is_wanted(self, event: FeaturesMissed) -> bool:
        """Whether the network that a batch is of serves; else another promotion, or its batches, go first."""
        wanted = await in_force()
        if wanted == event.extractor != self.extractor:
            raise CannotRemake(wrong_network(wanted, self.extractor))
        return wanted == event.extractor

    async def _made(self, image: Image) -> bool:
        """Whether the image is done with: it is judged by its new features, or told to be unreadable."""
        if not await self.diagnosis.diagnose_again(image):
            return False
        await self._forget_old(image)
        return True

    async def _forget_old(self, image: Image) -> None:
        """Remove the other network's features; an image that has no new ones has none from now on."""
        old = str(image.features)
        if await Image.filter(id=image.id, features=old).update(features=None):
            logger.warning("image %d: there are no features of it any more", image.id)
        await self.diagnosis.blobs.delete([features_key(old, image.key)])


async def in_force() -> str:
    """The network of the model in service."""
    model = await lookups.model_in_service()
    assert model is not None, "a model is installed at the start"
    return model.extractor


def wrong_network(wanted: str, own: str) -> str:
    """What an operator is told of a process that cannot do what others of the platform can."""
    return (
        f"the model in service reads features by {wanted}, and this process has {own}: restart it with the "
        "COVIDXR_DEFAULT_MODEL of the others"
    )


def _left(extractor: str, labelled: bool) -> QuerySet[Image]:
    query = Image.read_by_others(extractor)
    return query.filter(id__in=Subquery(Label.standing().values("image_id"))) if labelled else query


def _of(event: FeaturesMissed) -> QuerySet[Image]:
    """What is still to do of a batch."""
    return _left(event.extractor, event.labelled).filter(id__gte=event.first_id, id__lte=event.last_id)
