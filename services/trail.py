"""The trail: who did what when, for administrators to read and for nobody to change.

A note commits together with the rows that it tells of, and `services.sealing` moves it into the chain a
moment later. Notes hold ids and enumerations, and the reason where an administrator gave one: no name,
address, token or file name, and nothing of what an image or a label shows. What was refused leaves none,
wrong passwords included: a note of a known address would take time that an unknown one does not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from tortoise.queryset import QuerySet

from services.permissions import admin, is_admin
from store.inserting import insert
from store.pages import Page, Window, page
from store.tables import TrailEntry, TrailKind, TrailNote, User

NEWEST_FIRST = ("-position",)


async def note(
    kind: TrailKind,
    actor: User | None,
    reason: str | None = None,
    value: str | int | None = None,
    **subjects: int,
) -> None:
    """Tell of what is done within the transaction under way.

    Args:
        actor: who does it; None where the platform does by itself, or an operator at the command line.
        reason: given by an administrator.
        value: an enumeration, or a count.
        subjects: ids of what it is done to, by the names of their types: ``Image=7``.
    """
    row = {
        "at": datetime.now(UTC),
        "kind": kind.value,
        "actor_id": actor.id if actor else None,
        "subjects": subjects,
        "value": None if value is None else str(value),
        "reason": reason,
    }
    await insert(TrailNote, [row])


@dataclass(frozen=True)
class TrailFilter:
    """Which entries; what is None does not matter."""

    actor_id: int | None = None
    kinds: tuple[TrailKind, ...] | None = None
    since: datetime | None = None
    before: datetime | None = None


async def entries(viewer: User | None, wanted: TrailFilter, window: Window) -> Page[TrailEntry]:
    """What has been sealed, newest first; for administrators."""
    admin(viewer)
    return await page(_matching(wanted), window, NEWEST_FIRST)


async def visible(viewer: User | None, ids: Iterable[int]) -> dict[int, TrailEntry]:
    """Entries by id; for administrators, nothing for others."""
    if not is_admin(viewer):
        return {}
    return {entry.id: entry for entry in await TrailEntry.filter(id__in=list(ids))}


def _matching(wanted: TrailFilter) -> QuerySet[TrailEntry]:
    found = TrailEntry.all()
    if wanted.actor_id is not None:
        found = found.filter(actor_id=wanted.actor_id)
    if wanted.kinds is not None:
        found = found.filter(kind__in=wanted.kinds)
    if wanted.since is not None:
        found = found.filter(at__gte=wanted.since)
    if wanted.before is not None:
        found = found.filter(at__lt=wanted.before)
    return found
