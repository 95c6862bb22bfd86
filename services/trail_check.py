"""Walking the chain of the trail: whether each entry is what was sealed, and behind the one before it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tortoise.queryset import QuerySet

from services.sealing import BEGINNING, TOLD, digest
from store.tables import Role, TrailEntry, TrailNote, User

PAGE = 1000
EMPTIED = "there is no entry, not even of who was made an administrator: all were removed"
COLUMNS = ("position", "previous", "sha256", *TOLD)

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Checked:
    """What was found. The head is the last entry that fits; whoever keeps its hash elsewhere notices later
    whether anything up to there was made anew, or the end was cut off.
    """

    entries: int
    """That fit, from the first on."""
    head: str
    """The hash of the last of these; zeros where there is none."""
    fault: str | None
    """What is wrong with the first entry that does not fit, or with the whole, in a sentence."""
    waiting: int
    """Notes that are not sealed yet; more than some hundreds, or the same for minutes, are a fault."""


async def check(expected: str | None = None, follow: Callable[[int, int], None] | None = None) -> Checked:
    """Walk the chain to its end, or to the first entry that does not fit.

    Args:
        expected: the hash of an entry that was the head once, and has to be there still.
        follow: called with how many of how many entries have been looked at.
    """
    place, previous, is_there = 0, BEGINNING, expected in (None, BEGINNING)
    total = await TrailEntry.all().count()
    if not total and await _has_begun():
        return Checked(0, BEGINNING, EMPTIED, 0)
    async for entry in _walk():
        if fault := _fault(entry, place, previous):
            return Checked(place, previous, fault, await TrailNote.all().count())
        place, previous = entry["position"], entry["sha256"]
        is_there = is_there or previous == expected
        if follow and place % PAGE == 0:
            follow(place, total)
    return Checked(place, previous, None if is_there else _gone(place), await TrailNote.all().count())


async def _has_begun() -> bool:
    """Whether something was done that the trail tells of: whoever is an administrator was made one."""
    return await User.filter(role=Role.ADMIN).exists() and not await TrailNote.all().exists()


async def _walk() -> AsyncIterator[Entry]:
    """Entries by their places, one page at a time."""
    behind: int | None = None
    while True:
        found = TrailEntry.all() if behind is None else TrailEntry.filter(position__gt=behind)
        rows = await _read(found.order_by("position").limit(PAGE))
        for row in rows:
            yield row
        if len(rows) < PAGE:
            return
        behind = rows[-1]["position"]


async def _read(found: QuerySet[TrailEntry]) -> Sequence[Entry]:
    """The entries; of one that holds what no entry can, its place alone."""
    try:
        return await found.values(*COLUMNS)
    except ValueError:
        places = await found.values_list("position")
        return [await _read_one(place) for (place,) in places]


async def _read_one(place: int) -> Entry:
    try:
        (entry,) = await TrailEntry.filter(position=place).values(*COLUMNS)
        return entry
    except ValueError:
        return {"position": place}


def _fault(entry: Entry, place: int, previous: str) -> str | None:
    """What is wrong with the entry behind the one at ``place``; None where it fits."""
    position = entry["position"]
    if position != place + 1:
        return (
            f"entry {place + 1} is missing: it was removed" if position > place + 1 else _inserted(position)
        )
    if "sha256" not in entry:
        return f"entry {position} was changed: it holds what no entry can"
    if digest(entry) != entry["sha256"]:
        return f"entry {position} was changed: its hash is not that of what it says"
    if entry["previous"] != previous:
        return (
            f"entry {position} does not follow the one before: one of them was removed, inserted or replaced"
        )
    return None


def _inserted(position: int) -> str:
    return f"entry {position} was inserted: places begin with 1"


def _gone(place: int) -> str:
    return f"no entry has the expected hash: after entry {place} some were cut off, or entries were made anew"
