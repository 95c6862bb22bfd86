"""What the trail holds, for tests."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from services import sealing
from services.trail import note
from store.tables import TrailEntry, TrailKind, User
from store.trail_guard import triggers
from tests import databases


async def sealed() -> list[TrailEntry]:
    """All entries from the first on, with what was noted until now."""
    while await sealing.seal():
        pass
    return await TrailEntry.all().order_by("position")


async def told(*without: TrailKind) -> list[tuple[Any, ...]]:
    """Kind, actor, subjects and value of each entry."""
    return [
        (entry.kind, entry.actor_id, entry.subjects, entry.value)
        for entry in await sealed()
        if entry.kind not in without
    ]


async def noted(count: int, by: User | None = None) -> None:
    """So many entries of labels, sealed."""
    for number in range(1, count + 1):
        await note(TrailKind.LABEL_SUBMITTED, by, Label=number, Image=number)
    await sealed()


@contextlib.contextmanager
def unguarded(url: str) -> Iterator[Any]:
    """A cursor of somebody who takes the database's own rules away, too; they are there again afterwards."""
    rules = triggers(urlsplit(url).scheme)
    with tampering(url) as cursor:
        for name in rules:
            cursor.execute(f"DROP TRIGGER {name}")
        try:
            yield cursor
        finally:
            for made in rules.values():
                cursor.execute(made)


@contextlib.contextmanager
def tampering(url: str) -> Iterator[Any]:
    """A cursor of somebody who has the database and none of our rules but its own."""
    if url.startswith("sqlite://"):
        with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite://"))) as file, file:
            yield file.cursor()
    else:
        with databases.connect(urlsplit(url).path[1:]) as server:
            yield server.cursor()
