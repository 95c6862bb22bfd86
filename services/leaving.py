"""Deleting one's account: what goes with it, and what stays without a name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

from tortoise.expressions import F

from events.messages import RetrainingRequested
from services import contact, removal, tokens
from services.door import Door, wrong_password
from services.errors import Code, refuse
from services.notices import tell
from services.outbox import Outbox, record
from services.permissions import member
from services.trail import note
from store.tables import (
    ContactMessage,
    Deployment,
    Label,
    NewsPost,
    NoticeKind,
    RetrainingPolicy,
    TokenPurpose,
    TrailKind,
    TrainingRun,
    User,
)

NAMELESS = "Deleted account"
NO_HASH = "-"
"""Of no password."""
STAYS = (
    (Label, "submitted_by_id"),
    (Label, "withdrawn_by_id"),
    (NewsPost, "author_id"),
    (Deployment, "decided_by_id"),
    (RetrainingPolicy, "changed_by_id"),
    (TrainingRun, "requested_by_id"),
)
"""What an administrator leaves behind: the platform's, or other people's."""


@dataclass(frozen=True)
class Leaving:
    """The use case of going for good."""

    outbox: Outbox
    door: Door

    async def delete_account(self, viewer: User | None, password: str, source: str = "") -> None:
        """Deletes the account, all its images and what hangs on them, in one transaction.

        What an administrator left with others' images and in public stays, of somebody without a name. A run
        under way that may learn from the images begins anew without them. A mail says goodbye.

        Raises:
            Refused: BAD_CREDENTIALS; CONFLICT, of the last administrator.
            TooMany: wrong guesses from ``source``, or at this account.
        """
        viewer = member(viewer)
        await self.door.prove(source, viewer, password)
        await self.outbox.commit(partial(_leave, viewer))


async def _leave(viewer: User) -> None:
    # Changes nothing, but locks the row: what is being written in the user's name is there now, or never.
    unchanged = User.filter(id=viewer.id, password_hash=viewer.password_hash, blocked_at__isnull=True)
    if not await unchanged.update(password_hash=viewer.password_hash):
        raise wrong_password()
    user = await User.get(id=viewer.id)
    # Locked: two who leave at once would each see the other.
    if user.is_admin and not await User.admins().exclude(id=user.id).select_for_update():
        raise refuse(Code.CONFLICT, "this is the last administrator: make somebody else one first")
    if await Label.filter(image__owner_id=user.id).exists():
        await _begin_run_anew()
    count = await removal.remove_all_of(user.id)
    await ContactMessage.filter(id__in=[message.id for message in await contact.sent_from(user)]).delete()
    await _leave_without_name(user)
    await tokens.revoke_all(user.id, *TokenPurpose)
    await User.filter(id=user.id).delete()
    await tell(NoticeKind.ACCOUNT_DELETED, user)
    await note(TrailKind.ACCOUNT_DELETED, user, value=count, User=user.id)


async def _begin_run_anew() -> None:
    """Take the run under way from whoever holds it, and learns from what is removed now."""
    held = TrainingRun.filter(slot=1, lease_until__isnull=False)
    if await held.update(fence=F("fence") + 1, lease_until=None):
        run = await TrainingRun.filter(slot=1).select_for_update().get()
        await record(RetrainingRequested(run.id))


async def _leave_without_name(user: User) -> None:
    """What stays gets somebody in the user's place who is nobody, and whom nothing else leads back to."""
    left = [model.filter(**{field: user.id}) for model, field in STAYS]
    if not any([await rows.exists() for rows in left]):
        return
    nobody = await User.create(
        email=f"{uuid4().hex}@deleted.invalid",  # RFC 2606: no such domain will ever be
        name=NAMELESS,
        password_hash=NO_HASH,
        deleted_at=datetime.now(UTC),
    )
    for rows, (_, field) in zip(left, STAYS, strict=True):
        await rows.update(**{field: nobody.id})
