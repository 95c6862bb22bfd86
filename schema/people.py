"""Users."""

from __future__ import annotations

from datetime import datetime

import strawberry

from schema import ids
from schema.context import Info
from schema.fields import field
from schema.node import Node
from services.errors import Forbidden
from services.lookups import is_self_or_admin
from services.permissions import is_admin, member
from store import tables


@strawberry.type(description="A person with an account: a health worker or an administrator.")
class User(Node):
    name: str = strawberry.field(description="What the person wants to be called.")
    role: tables.Role = strawberry.field(description="What the person may do.")
    email_verified: bool = strawberry.field(description="Whether the address has been confirmed.")
    created_at: datetime = strawberry.field(description="When the person signed up.")
    deleted_at: datetime | None = strawberry.field(
        description="When the account was deleted; what stays of it, labels of others' images and news, has "
        "this user without a name or an address. Null of whoever has an account."
    )
    row: strawberry.Private[tables.User]
    has_proved_it: strawberry.Private[bool] = False

    @classmethod
    def of(cls, row: tables.User, has_proved_it: bool = False) -> User:
        """The user of a row; whoever has just proved to be that user need not be signed in to see it all."""
        return cls(
            id=ids.encode("User", row.id),
            name=row.name,
            role=row.role,
            email_verified=row.email_verified_at is not None,
            created_at=row.created_at,
            deleted_at=row.deleted_at,
            row=row,
            has_proved_it=has_proved_it,
        )

    @field(
        "The e-mail address, by which the person signs in. For the person and administrators; "
        "others who ask for it get FORBIDDEN, or UNAUTHENTICATED while signed out."
    )
    def email(self, info: Info) -> str:
        if not self.has_proved_it and not is_self_or_admin(member(info.context.viewer), self.row.id):
            raise Forbidden("an address is shown to its owner and to administrators")
        return self.row.email

    @field("Since when the person cannot sign in; null where that is not so, and for others than admins.")
    def blocked_at(self, info: Info) -> datetime | None:
        return self.row.blocked_at if is_admin(info.context.viewer) else None

    @field(
        "Since when signing in asks the person for a code, too; null where it does not, and for others than "
        "the person and admins."
    )
    def second_factor_since(self, info: Info) -> datetime | None:
        may_know = self.has_proved_it or is_self_or_admin(info.context.viewer, self.row.id)
        return self.row.second_factor_at if may_know else None

    @field("Why the person was blocked; null for others than admins.")
    def block_reason(self, info: Info) -> str | None:
        return self.row.block_reason if is_admin(info.context.viewer) else None
