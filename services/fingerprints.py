"""Fingerprints of images that came before there were any: made before a run needs them."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial

from ml.fingerprint import fingerprint
from ml.image import ImageError
from services.decoding import Decoding
from services.holdout import Holdout
from store.blobs import BlobMissing, Blobs
from store.tables import Image

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fingerprints:
    """The use case of making up for what uploads of old left out."""

    blobs: Blobs
    decoding: Decoding
    holdout: Holdout

    async def complete(self) -> None:
        """Give every image whose picture can be read its fingerprint, one at a time."""
        last = 0
        while (image := await self._next(last)) is not None:
            last = image.id
            try:
                decoded = await self.decoding.decode(image)
            except (ImageError, BlobMissing) as error:
                logger.warning("image %d: it has no fingerprint: %s", image.id, error)
                continue
            found = await self.decoding.run(partial(fingerprint, decoded.pixels))
            held = self.holdout.keeps(image.sha256, image.patient_ref, found)
            changes = {"fingerprint": found} | ({"holdout": True} if held else {})
            await Image.filter(id=image.id).update(**changes)

    async def _next(self, last: int) -> Image | None:
        missing = Image.filter(fingerprint__isnull=True, failure__isnull=True, id__gt=last)
        return await missing.order_by("id").first()
