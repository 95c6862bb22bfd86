"""The trail of who did what when."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema import ids
from schema.arguments import OMITTED, given
from schema.context import Info
from schema.enums import describe
from schema.fields import field
from schema.node import Node
from schema.people import User
from services import trail
from store import tables

describe(
    tables.TrailKind,
    "What is told of in the trail, once for each time that it is done. What is refused is not.",
    SIGNED_IN="A user signed in.",
    PASSWORD_CHANGED="A user who knew the own password chose a new one.",
    PASSWORD_RESET="A user chose a new password by a link that was mailed.",
    EMAIL_CHANGED="A user confirmed another e-mail address, of which the trail has neither.",
    ACCOUNT_EXPORTED="A user asked for a copy of all that is their own.",
    ACCOUNT_DELETED="A user deleted the own account, with all its images: `value` is how many.",
    ROLE_CHANGED="A user was given another role, `value`; by nobody where an operator made an administrator.",
    USER_BLOCKED="A user was blocked.",
    USER_UNBLOCKED="A user may sign in again.",
    SECOND_FACTOR_ON="A user turned on a second factor.",
    SECOND_FACTOR_OFF="A user turned off the second factor.",
    SECOND_FACTOR_RESET="A user's second factor was taken off; by nobody where an operator did.",
    RECOVERY_CODE_USED="A user gave a recovery code in place of the app's: `value` is how many are left.",
    LABEL_SUBMITTED="An image was labelled.",
    LABELS_WITHDRAWN="All labels of a user were withdrawn: `value` is how many.",
    RETRAINING_STARTED="A run began; `value` is its trigger.",
    RETRAINING_CANCELLED="A run was cancelled.",
    POLICY_CHANGED="The policy of retraining was changed.",
    MODEL_PROMOTED="A version was put in service; by nobody where the gate or a start did.",
    IMAGE_DELETED="An image was deleted, with its predictions and labels; by nobody where the platform did, "
    "since nobody had used it for as long as the operator keeps images.",
    NEWS_DELETED="A post was deleted.",
)


@strawberry.input(description="Which entries of the trail; all that is given has to hold.")
class TrailFilter:
    actor_id: strawberry.ID | None = strawberry.field(default=OMITTED, description="What this user did.")
    kinds: list[tables.TrailKind] | None = strawberry.field(
        default=OMITTED, description="What is of one of these kinds."
    )
    since: datetime | None = strawberry.field(default=OMITTED, description="Done at this moment or later.")
    before: datetime | None = strawberry.field(default=OMITTED, description="Done before this moment.")

    def wanted(self) -> trail.TrailFilter:
        """The filter as the use case takes it."""
        actor_id, kinds = given(self.actor_id), given(self.kinds)
        return trail.TrailFilter(
            actor_id=None if actor_id is None else ids.row_of(actor_id, "User"),
            kinds=None if kinds is None else tuple(kinds),
            since=given(self.since),
            before=given(self.before),
        )


@strawberry.type(
    description="Who did what when, in ids and enumerations that outlive what they name. An entry is never "
    "changed: it holds the SHA-256 of the one before, and `covidxr audit verify` checks them all."
)
class TrailEntry(Node):
    position: int = strawberry.field(description="Its place, counted up from 1 without gaps.")
    at: datetime = strawberry.field(
        description="When it was done. An entry gets its place a moment later, so that neighbours may be a "
        "little out of order."
    )
    kind: tables.TrailKind | None = strawberry.field(
        description="What was done; null of what a newer version of the program tells of."
    )
    actor_id: strawberry.ID | None = strawberry.field(
        description="The id of the user who did it; null where the platform did by itself, or an operator."
    )
    subjects: list[strawberry.ID] = strawberry.field(
        description="Ids of what it was done to, by their types' names: of an image and its label, say. They "
        "may be deleted by now."
    )
    value: str | None = strawberry.field(description="What the kind says; else null.")
    reason: str | None = strawberry.field(description="Why, where an administrator had to say.")
    previous: str = strawberry.field(description="The hash of the entry before; zeros of the first.")
    sha256: str = strawberry.field(description="The hash of this entry, in hexadecimal digits.")
    row: strawberry.Private[tables.TrailEntry]

    @classmethod
    def of(cls, row: tables.TrailEntry) -> TrailEntry:
        """The entry of a row."""
        return cls(
            id=ids.encode("TrailEntry", row.id),
            position=row.position,
            at=row.at,
            kind=tables.TrailKind(row.kind) if row.kind in list(tables.TrailKind) else None,
            actor_id=None if row.actor_id is None else ids.encode("User", row.actor_id),
            subjects=[ids.encode(type_name, row_id) for type_name, row_id in sorted(row.subjects.items())],
            value=row.value,
            reason=row.reason,
            previous=row.previous,
            sha256=row.sha256,
            row=row,
        )

    @field("The user who did it; null where nobody did, and where the account is no more.")
    async def actor(self, info: Info) -> User | None:
        return await _user(info, self.row.actor_id)

    @field("The user to whom it was done; null where it was done to something else.")
    async def user(self, info: Info) -> User | None:
        return await _user(info, self.row.subjects.get("User"))


async def _user(info: Info, user_id: int | None) -> User | None:
    user = await info.context.loaders.users.load(user_id) if user_id is not None else None
    return User.of(user) if user else None
