"""Thumbnails of images: made when they are first asked for, then kept."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from ml.thumbnail import thumbnail
from services.decoding import Decoding
from services.keys import thumbnail_key
from services.links import Asked
from services.viewers import Viewers
from store.blobs import BlobMissing, Blobs
from store.disk import NotKept
from store.tables import Image


@dataclass(frozen=True)
class Thumbnails:
    """The use case of looking at many images at once."""

    blobs: Blobs
    decoding: Decoding
    viewers: Viewers

    async def jpeg(self, asked: Asked) -> bytes | None:
        """The image in small, at an address that is good, while its viewer may see it."""
        image = await self.viewers.image("thumbnails", asked)
        try:
            return await self._kept_or_made(image) if image else None
        except BlobMissing:  # the image was deleted at this moment
            return None

    async def _kept_or_made(self, image: Image) -> bytes:
        key = thumbnail_key(image.key)
        try:
            return await self.blobs.get(key)
        except BlobMissing:
            decoded = await self.decoding.decode(image)
        made = await self.decoding.run(partial(thumbnail, decoded))
        with suppress(NotKept):  # it is seen all the same, and made again the next time
            await self.blobs.put(key, made)
        if not await Image.exists(key=image.key):  # deleted meanwhile
            await self.blobs.delete([key])
        return made
