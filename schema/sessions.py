"""Where somebody is signed in."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema import ids
from services.tokens import digest
from store import tables


@strawberry.type(description="A session of the viewer's: a place where the account is signed in.")
class AccountSession:
    id: strawberry.ID = strawberry.field(description="To end it by; no object is found by it.")
    client: str | None = strawberry.field(
        description="What the browser or the program called itself as it signed in; null where it did not."
    )
    created_at: datetime = strawberry.field(description="When it began.")
    expires_at: datetime = strawberry.field(
        description="When it ends by itself, if nothing is done in it before."
    )
    current: bool = strawberry.field(description="Whether it is that which asks.")

    @classmethod
    def of(cls, row: tables.Token, asking: str | None) -> AccountSession:
        """The session of a row; ``asking`` is the token of the one that asks."""
        return cls(
            id=ids.encode("AccountSession", row.id),
            client=row.client,
            created_at=row.created_at,
            expires_at=row.expires_at,
            current=asking is not None and digest(asking) == row.sha256,
        )
