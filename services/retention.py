"""Deleting what nobody has used for as long as the operator says, image by image, as its owner would."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from services import removal
from services.outbox import Outbox
from store import clock
from store.tables import ContactMessage, Image, Label, Notice

AT_ONCE = 100
"""Images that are looked up at a time."""
MAILED_WITHIN = timedelta(days=2)
"""After which a notice is tried no more: one that is still there has lost its event."""

logger = logging.getLogger(__name__)


class Due(NamedTuple):
    """How much has not been used for so long."""

    images: int
    messages: int


@dataclass(frozen=True)
class Retention:
    """Images that were uploaded, and labelled last, longer ago than ``kept``; letters as old."""

    outbox: Outbox
    kept: timedelta

    async def sweep(self) -> None:
        """Delete them, each image in a transaction of its own: whoever else writes comes between."""
        now = await clock.now()
        before, gone = now - self.kept, 0
        async for image in _unused(before):
            gone += await self.outbox.commit(partial(_expire, image, before))
        messages = await ContactMessage.filter(received_at__lt=before).delete()
        notices = await Notice.filter(created_at__lt=min(before, now - MAILED_WITHIN)).delete()
        if gone or messages or notices:
            told = {"images": gone, "messages": messages, "notices": notices}
            logger.info("deleted what was over %d days old", self.kept.days, extra={"fields": told})


async def due(kept: timedelta) -> Due:
    """What a sweep would delete now."""
    before = await clock.now() - kept
    messages = ContactMessage.filter(received_at__lt=before)
    return Due(await Image.unused_since(before).count(), await messages.count())


async def _unused(before: datetime) -> AsyncIterator[Image]:
    """The images that are due, in order; those that turn out to be used are passed over."""
    last = 0
    while images := await Image.unused_since(before).filter(id__gt=last).order_by("id").limit(AT_ONCE):
        for image in images:
            yield image
        last = images[-1].id


async def _expire(image: Image, before: datetime) -> bool:
    """Delete an image, unless it has changed, gone or been labelled since it was found."""
    if not await removal.locked(image):
        return False
    if await Label.filter(image_id=image.id, created_at__gte=before).exists():
        return False
    await removal.remove_one(image, by=None)
    return True
