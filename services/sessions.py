"""Where somebody is signed in, and ending that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from events.messages import SessionsEnded
from services import tokens
from services.errors import Code, refuse
from services.outbox import Outbox, record
from services.permissions import member
from store.tables import Token, TokenPurpose, User

MOST = 100
"""Sessions that are listed: the newest."""


@dataclass(frozen=True)
class Sessions:
    """The use cases around one's own sessions."""

    outbox: Outbox

    async def all(self, viewer: User | None) -> list[Token]:
        """Those that are good still, the newest first."""
        return await Token.live_of(member(viewer).id, TokenPurpose.SESSION, datetime.now(UTC)).limit(MOST)

    async def end(self, viewer: User | None, session_id: int) -> None:
        """Ends one of them; its sockets and streams end at once.

        Raises:
            Refused: NOT_FOUND.
        """
        await self.outbox.commit(partial(_end, member(viewer), session_id))

    async def end_all(self, viewer: User | None) -> None:
        """Ends every one of them, that which asks included."""
        user = member(viewer)
        await self.outbox.commit(partial(tokens.revoke_all, user.id, TokenPurpose.SESSION))

    async def end_by_operator(self, email: str | None = None) -> int:
        """Ends every session of the account with an address, or of everybody; how many there were."""
        return await self.outbox.commit(partial(_end_by_operator, email))


async def _end_by_operator(email: str | None) -> int:
    sessions = Token.filter(purpose=TokenPurpose.SESSION)
    whose = sessions if email is None else sessions.filter(user__email=email)
    found = await whose.values_list("user_id")
    for user_id in sorted({user_id for (user_id,) in found}):
        await tokens.revoke_all(user_id, TokenPurpose.SESSION)
    return len(found)


async def _end(user: User, session_id: int) -> None:
    own = Token.filter(id=session_id, user_id=user.id, purpose=TokenPurpose.SESSION)
    if not await own.delete():
        raise refuse(Code.NOT_FOUND, "there is no such session", "id")
    await record(SessionsEnded(user.id))
