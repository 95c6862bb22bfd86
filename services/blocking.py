"""Keeping a user out, and letting the user in again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from services import reasons, tokens
from services.errors import Code, refuse
from services.outbox import Outbox
from services.permissions import admin
from store.tables import TokenPurpose, User


@dataclass(frozen=True)
class Blocking:
    """The use cases of administrators against misuse; what a user submitted is withdrawn by `Labelling`."""

    outbox: Outbox

    async def block(self, viewer: User | None, user_id: int, reason: str) -> User:
        """Ends the user's sessions, and lets nobody sign in as that user until `unblock`.

        Raises:
            Refused: NOT_FOUND; REQUIRED or TOO_LARGE of the reason; CONFLICT, of oneself or the last
                administrator.
        """
        viewer, reason = admin(viewer), reasons.checked(reason)
        if viewer.id == user_id:
            raise refuse(Code.CONFLICT, "nobody blocks themself: ask another administrator", "id")

        async def write() -> User:
            user = await _changed(user_id, blocked_at=datetime.now(UTC), block_reason=reason)
            # Locked: of two who block each other at once, one has to stay.
            if not await User.admins().select_for_update():
                raise refuse(Code.CONFLICT, "this is the last administrator", "id")
            await tokens.revoke_all(user_id, TokenPurpose.SESSION)
            return user

        return await self.outbox.commit(write)

    async def unblock(self, viewer: User | None, user_id: int) -> User:
        """Lets the user sign in again; whoever was not blocked stays as before.

        Raises:
            Refused: NOT_FOUND.
        """
        admin(viewer)
        return await self.outbox.commit(lambda: _changed(user_id, blocked_at=None, block_reason=None))


async def _changed(user_id: int, blocked_at: datetime | None, block_reason: str | None) -> User:
    if not await User.filter(id=user_id).update(blocked_at=blocked_at, block_reason=block_reason):
        raise refuse(Code.NOT_FOUND, "there is no such user", "id")
    return await User.get(id=user_id)
