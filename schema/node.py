"""What every object with a global id has, and what becomes of one that was deleted meanwhile."""

from __future__ import annotations

from typing import TypeVar

import strawberry
from graphql import GraphQLError

from schema.errors import NOT_FOUND

R = TypeVar("R")


@strawberry.interface(description="An object that can be asked for again by its id.")
class Node:
    id: strawberry.ID = strawberry.field(description="The object's global id. Opaque, and lasting.")


def present(row: R | None) -> R:
    """The row that another one names.

    Raises:
        GraphQLError: NOT_FOUND; it was deleted between the two queries.
    """
    if row is None:
        raise GraphQLError("this was deleted a moment ago", extensions={"code": NOT_FOUND})
    return row
