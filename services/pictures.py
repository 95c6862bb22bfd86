"""Pictures in full, written anew whenever somebody looks: no browser reads what a stranger has sent."""

from __future__ import annotations

from dataclasses import dataclass

from services.decoding import Decoding
from services.links import Asked
from services.viewers import Viewers
from store.blobs import BlobMissing


@dataclass(frozen=True)
class Pictures:
    """The use case of looking at one image closely."""

    decoding: Decoding
    viewers: Viewers

    async def png(self, asked: Asked) -> list[bytes] | None:
        """The image's file in parts, at an address that is good, while its viewer may see it.

        Raises:
            ImageError: what is kept of it is damaged.
        """
        image = await self.viewers.image("images", asked)
        try:
            return await self.decoding.png(image) if image else None
        except BlobMissing:  # the image was deleted at this moment
            return None
