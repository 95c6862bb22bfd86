"""What those who are not signed in are not told: what the schema is, and names that come close to theirs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from graphql import FieldNode, GraphQLError, SelectionNode

from schema.errors import UNAUTHENTICATED

SUGGESTION = re.compile(r" Did you mean .*\Z", re.DOTALL)


def tells_of_the_schema(field: FieldNode) -> bool:
    """Whether a field is introspection, and of more than a type's name, which the asker knows before."""
    if field.name.value == "__type" and field.selection_set:
        return any(not _is_name(one) for one in field.selection_set.selections)
    return field.name.value == "__schema"


def _is_name(selection: SelectionNode) -> bool:
    return isinstance(selection, FieldNode) and selection.name.value in ("name", "__typename")


def introspection_closed() -> GraphQLError:
    """For those who are not signed in and ask for the schema itself."""
    return GraphQLError(
        "introspection is for those who are signed in: sign in first, or read schema.graphql",
        extensions={"code": UNAUTHENTICATED},
    )


def first_alone(errors: Sequence[GraphQLError]) -> list[GraphQLError]:
    """One error is enough to mend a document, and too little to try many names at once."""
    return list(errors[:1])


def without_suggestion(error: GraphQLError) -> GraphQLError:
    """The error without names that come close to what was asked for."""
    if not SUGGESTION.search(error.message):
        return error
    return GraphQLError(  # another one: errors of documents are kept, and told to others too
        SUGGESTION.sub("", error.message),
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions=error.extensions,
    )
