"""Global ids: opaque to clients, a type and a row to us."""

from __future__ import annotations

import base64
import binascii
import re

import strawberry

PLAIN = re.compile(r"([A-Z][A-Za-z]*):(0|[1-9][0-9]{0,17})")
"""What an id encodes. 18 digits fit the 64 bits of a row's key in every database."""

NO_ROW = 0
"""The databases count rows from 1."""


class MalformedId(ValueError):
    """A text that is no id of ours."""


def encode(type_name: str, row_id: int) -> strawberry.ID:
    """The global id of a row, the same for as long as the row lives."""
    return strawberry.ID(base64.b64encode(f"{type_name}:{row_id}".encode()).decode())


def decode(global_id: str) -> tuple[str, int]:
    """The type and the row that an id stands for.

    Raises:
        MalformedId: it stands for nothing.
    """
    try:
        match = PLAIN.fullmatch(base64.b64decode(global_id, validate=True).decode("ascii"))
    except (binascii.Error, ValueError):
        match = None
    if match is None:
        raise MalformedId(f"not an id: {global_id[:60]!r}")
    return match[1], int(match[2])


def row_of(global_id: str, type_name: str) -> int:
    """The row that an input's id stands for; `NO_ROW`, which nobody finds, where it is no id of this type.

    What never existed is as good as deleted, and the use case tells it with all else that is wrong.
    """
    try:
        actual, row_id = decode(global_id)
    except MalformedId:
        return NO_ROW
    return row_id if actual == type_name else NO_ROW
