"""Keeping a user out, and letting the user in again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from services import lookups, reasons, tokens
from services.errors import Checks, Code, refuse
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
        await lookups.named_user(user_id)
        return await self.outbox.commit(lambda: _changed(user_id, blocked_at=None, block_reason=None))


async def _changed(user_id: int, blocked_at: datetime | None, block_reason: str | None) -> User:
    await User.filter(id=user_id).update(blocked_at=blocked_at, block_reason=block_reason)
    return await User.get(id=user_id)
