"""For whom a signed address was made, as they are when it is used: nobody, where they may look no more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from services.links import Asked, Links, Room
from services.permissions import hold_back
from services.tokens import digest
from store.tables import Image, Token, TokenPurpose, User


@dataclass(frozen=True)
class Viewers:
    """Asked by whatever lies behind signed addresses: a browser asks for a picture by no header of ours."""

    links: Links
    admins_need_second_factor: bool = False

    async def find(self, room: Room, asked: Asked) -> User | None:
        """The viewer of an address that is good, if not blocked and still in the session; by one statement.

        Where a cookie holds the session, the browser that asks has to have it. Whether the viewer is an
        administrator is as of now, as for any request.
        """
        holder = self.links.holder_of(room, asked)
        if holder is None:
            return None
        sessions = Token.live_of(holder.viewer_id, TokenPurpose.SESSION, datetime.now(UTC))
        same = sessions.filter(id=holder.session_id, user__blocked_at__isnull=True)
        session = await same.select_related("user").first()
        if session is None:
            return None
        if holder.is_by_cookie and session.sha256 not in map(digest, asked.cookies):
            return None
        return hold_back(session.user, self.admins_need_second_factor)

    async def image(self, room: Room, asked: Asked) -> Image | None:
        """The image of an address that is good, if its viewer may still see it; by two statements."""
        viewer = await self.find(room, asked)
        return await Image.visible_to(viewer).get_or_none(id=asked.number) if viewer else None
