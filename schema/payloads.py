"""What the payloads of all mutations have in common."""

from __future__ import annotations

import strawberry

from schema.errors import UserError


@strawberry.type
class Payload:
    """The base of payloads; no type of the schema by itself."""

    errors: list[UserError] = strawberry.field(
        default_factory=list,
        description="All that stood in the way, at once; where there is any, the rest is null.",
    )
