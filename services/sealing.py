"""The chain of the trail: notes get their places, each with the SHA-256 of the entry before it.

A note is written without a look at the end of the chain, so that nobody waits for anybody to label an
image. One transaction then moves notes into the chain, in the order of their ids. Any process may: of two
at once, one finds its notes gone or its places taken, and undoes what it did.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

from tortoise.exceptions import IntegrityError

from store.database import atomically
from store.inserting import insert
from store.tables import TrailEntry, TrailNote

BATCH = 500
PAUSE_SECONDS = 1.0
BEGINNING = "0" * 64
"""What the first entry has in place of a hash of one before."""
TOLD = ("at", "kind", "actor_id", "subjects", "value", "reason")
"""The columns of a note, which its entry keeps as they are."""

logger = logging.getLogger(__name__)


def digest(entry: Mapping[str, Any]) -> str:
    """The SHA-256 of an entry, in hexadecimal digits.

    It is taken of a JSON object: ``position``, ``previous``, ``at`` (in UTC, with microseconds, as
    2026-11-28T12:00:00.000000+00:00), ``kind``, ``actor_id``, ``subjects``, ``value`` and ``reason``. Its
    keys are sorted, nothing is between them but commas and colons, and what is not ASCII is escaped.
    """
    told = {name: entry[name] for name in ("position", "previous", *TOLD)}
    told["at"] = told["at"].astimezone(UTC).isoformat(timespec="microseconds")
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def chained(notes: Sequence[Mapping[str, Any]], position: int, previous: str) -> list[dict[str, Any]]:
    """Entries of these notes, in their order, behind the entry at ``position`` whose hash is ``previous``."""
    entries = []
    for place, told in enumerate(notes, position + 1):
        entry = {name: told[name] for name in TOLD} | {"position": place, "previous": previous}
        previous = entry["sha256"] = digest(entry)
        entries.append(entry)
    return entries


async def seal() -> int:
    """Move the oldest notes into the chain; how many that were, 0 also where another process was faster."""
    notes = await TrailNote.all().order_by("id").limit(BATCH).values("id", *TOLD)
    if not notes:
        return 0
    try:
        await atomically(lambda: _move(notes))
    except (IntegrityError, _Faster):
        return 0
    return len(notes)


async def seal_for_ever() -> None:
    """Seal what is noted, by this process or another; a fault delays it, and loses nothing."""
    while True:
        try:
            while await seal():
                pass
        except Exception:
            logger.exception("notes of the trail wait: sealing failed, trying again")
        await asyncio.sleep(PAUSE_SECONDS)


class _Faster(Exception):
    """Another process has sealed some of the notes."""


async def _move(notes: Sequence[Mapping[str, Any]]) -> None:
    # First, since this locks the notes: whoever comes second waits here, and finds them gone.
    if await TrailNote.filter(id__in=[row["id"] for row in notes]).delete() < len(notes):
        raise _Faster
    head = await TrailEntry.head()
    place, previous = (head.position, head.sha256) if head else (0, BEGINNING)
    await insert(TrailEntry, chained(notes, place, previous))
