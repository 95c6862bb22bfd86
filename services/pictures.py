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

    def asker(self, asked: Asked) -> str | None:
        """Who asks by an address, without a statement; None where it was not signed here, or has expired."""
        holder = self.viewers.links.holder_of("images", asked)
        return str(holder.viewer_id) if holder else None

    async def png(self, asked: Asked) -> list[bytes] | None:
        """The image's file in parts, at an address that is good, while its viewer may see it.

        Raises:
            ImageError: what is kept of it is damaged, or TOO_LARGE to be shown with all its pixels.
        """
        image = await self.viewers.image("images", asked)
        try:
            return await self.decoding.png(image) if image else None
        except BlobMissing:  # the image was deleted at this moment
            return None
