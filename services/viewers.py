"""For whom a signed address was made, as they are when it is used: nobody, where they may look no more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from services.links import Asked, Links, Room
from services.permissions import hold_back
from store.tables import Image, Token, TokenPurpose, User


@dataclass(frozen=True)
class Viewers:
    """Asked by whatever lies behind signed addresses: a browser asks for a picture without a token."""

    links: Links
    admins_need_second_factor: bool = False

    async def find(self, room: Room, asked: Asked) -> User | None:
        """The viewer of an address that is good, if not blocked and signed in somewhere; by one statement.

        Whether that is an administrator is as of now, as for any request.
        """
        viewer_id = self.links.viewer_of(room, asked)
        if viewer_id is None:
            return None
        sessions = Token.live_of(viewer_id, TokenPurpose.SESSION, datetime.now(UTC))
        session = await sessions.filter(user__blocked_at__isnull=True).select_related("user").first()
        return hold_back(session.user, self.admins_need_second_factor) if session else None

    async def image(self, room: Room, asked: Asked) -> Image | None:
        """The image of an address that is good, if its viewer may still see it; by two statements."""
        viewer = await self.find(room, asked)
        return await Image.visible_to(viewer).get_or_none(id=asked.number) if viewer else None
