"""The scalars beside GraphQL's own."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NewType

import strawberry
from graphql import GraphQLError, ValueNode
from strawberry.types.scalar import ScalarDefinition

from services.uploads import Incoming

Cursor = NewType("Cursor", str)
Upload = NewType("Upload", Incoming)

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def parse_moment(value: object) -> datetime:
    """A moment in UTC of an RFC 3339 text; finer parts than microseconds are dropped."""
    if not isinstance(value, str) or not RFC_3339.fullmatch(value):
        raise GraphQLError("DateTime is a text of RFC 3339 with its offset: 2026-11-23T08:00:00Z")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise GraphQLError(f"DateTime: there is no such moment as {value}") from error


def format_moment(moment: datetime) -> str:
    """RFC 3339 in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_cursor(value: object) -> Cursor:
    """A text, opaque until it is used."""
    if not isinstance(value, str):
        raise GraphQLError("Cursor is the text that came with an event")
    return Cursor(value)


def parse_upload(value: object) -> Upload:
    """A file that the multipart request has put in place of a variable."""
    if not isinstance(value, Incoming):
        raise GraphQLError("Upload is a file of a multipart request, mapped to this variable")
    return Upload(value)


def refuse_upload_literal(node: ValueNode, variables: object = None) -> Upload:
    """A document cannot hold a file."""
    raise GraphQLError("Upload is given as a variable", [node])


SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment as a text of RFC 3339, answered in UTC: 2026-11-23T08:00:00Z.",
        specified_by_url="https://datatracker.ietf.org/doc/html/rfc3339",
        serialize=format_moment,
        parse_value=parse_moment,
    ),
    Cursor: strawberry.scalar(
        name="Cursor",
        description="A place in the stream of events. Opaque, and good for resuming a subscription of any "
        "kind on any server, after a restart too.",
        serialize=str,
        parse_value=parse_cursor,
    ),
    Upload: strawberry.scalar(
        name="Upload",
        description="A file, sent as the GraphQL multipart request specification says.",
        specified_by_url="https://github.com/jaydenseric/graphql-multipart-request-spec",
        parse_value=parse_upload,
        parse_literal=refuse_upload_literal,
    ),
}
