"""Keeping a user out, and letting the user in again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from services import lookups, reasons, tokens
from services.errors import Checks, Code, refuse
from services.outbox import Outbox
from services.permissions import admin
from services.trail import note
from store.tables import TokenPurpose, TrailKind, User


@dataclass(frozen=True)
class Blocking:
    """The use cases of administrators against misuse; what a user submitted is withdrawn by `Labelling`."""

    outbox: Outbox

    async def block(self, viewer: User | None, user_id: int, reason: str) -> User:
        """Ends the user's sessions, and lets nobody sign in as that user until `unblock`.

        Raises:
            Refused: NOT_FOUND or CONFLICT, of oneself or the last administrator, and REQUIRED or TOO_LARGE
                of the reason, all at once.
        """
        viewer, checks = admin(viewer), Checks()
        with checks:
            if (await lookups.named_user(user_id)).id == viewer.id:
                raise refuse(Code.CONFLICT, "nobody blocks themself: ask another administrator", "id")
        with checks:
            reason = reasons.checked(reason)
        checks.end()

        async def write() -> User:
            await User.filter(id=user_id).update(blocked_at=datetime.now(UTC), block_reason=reason)
            # Locked: of two who block each other at once, one has to stay.
            if not await User.admins().select_for_update():
                raise refuse(Code.CONFLICT, "this is the last administrator", "id")
            await tokens.revoke_all(user_id, TokenPurpose.SESSION)
            await note(TrailKind.USER_BLOCKED, viewer, reason, User=user_id)
            return await User.get(id=user_id)

        return await self.outbox.commit(write)

    async def unblock(self, viewer: User | None, user_id: int) -> User:
        """Lets the user sign in again; whoever was not blocked stays as before.

        Raises:
            Refused: NOT_FOUND.
        """
        viewer = admin(viewer)
        await lookups.named_user(user_id)

        async def write() -> User:
            blocked = User.filter(id=user_id, blocked_at__isnull=False)
            if await blocked.update(blocked_at=None, block_reason=None):
                await note(TrailKind.USER_UNBLOCKED, viewer, User=user_id)
            return await User.get(id=user_id)

        return await self.outbox.commit(write)
