"""Thumbnails of images: made when they are first asked for, then kept."""

from __future__ import annotations

from dataclasses import dataclass

from ml import image as ml_image
from ml.thumbnail import thumbnail
from services.decoding import Decoding
from services.keys import pixels_key, thumbnail_key
from services.links import Links
from store.blobs import BlobMissing, Blobs
from store.tables import Image


@dataclass(frozen=True)
class Thumbnails:
    """The use case of looking at many images at once."""

    blobs: Blobs
    decoding: Decoding
    links: Links

    async def jpeg(self, image_id: int, expires: str, signature: str) -> bytes | None:
        """The image in small, for whoever holds a signed address that has not expired."""
        if not self.links.is_valid("thumbnails", image_id, expires, signature):
            return None
        image = await Image.get_or_none(id=image_id)
        try:
            return await self._kept_or_made(image.key) if image else None
        except BlobMissing:  # the image was deleted at this moment
            return None

    async def _kept_or_made(self, image_key: str) -> bytes:
        key = thumbnail_key(image_key)
        try:
            return await self.blobs.get(key)
        except BlobMissing:
            data = await self.blobs.get(pixels_key(image_key))
        made = await self.decoding.run(lambda: thumbnail(ml_image.decode(data)))
        await self.blobs.put(key, made)
        if not await Image.exists(key=image_key):  # deleted meanwhile
            await self.blobs.delete([key])
        return made
