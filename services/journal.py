"""The journal of the in-process log, kept in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tortoise.exceptions import IntegrityError

from events.log import Delivery, Entry
from events.messages import KINDS, Event, from_payload, origin_of, to_payload
from store.database import atomically
from store.inserting import insert
from store.kept import Kept
from store.tables import ConsumerPosition, JournalEntry

DROPPED_AT_ONCE = 500
DROPPED = "(dropped)"
"""Stands among the groups for how far events are no longer kept; places may have gaps, which tell nothing."""

NEWEST = Kept(JournalEntry, lambda count: JournalEntry.all().order_by("-position").limit(count))
# Those of a newer version of the program, which ran here once, are passed over.
BEHIND = Kept(
    JournalEntry,
    lambda after, kinds, count: (
        JournalEntry.filter(position__gt=after, kind__in=kinds).order_by("position").limit(count)
    ),
)
POSITION = Kept(ConsumerPosition, lambda group: ConsumerPosition.filter(group=group))


class DatabaseJournal:
    """Events in the order of their place; written by one relay alone."""

    async def append(self, entries: Sequence[Entry]) -> list[Delivery]:
        try:
            return await _append(entries)
        except IntegrityError:  # the outbox repeats what it is not sure of
            uids = [entry.uid for entry in entries]
            known = {uid for (uid,) in await JournalEntry.filter(uid__in=uids).values_list("uid")}
            return await _append([entry for entry in entries if entry.uid not in known])

    async def read(self, after: int, limit: int) -> list[Delivery]:
        return [
            Delivery(row.position, from_payload(row.kind, row.payload), row.uid, origin_of(row.payload))
            for row in await BEHIND.rows(after, list(KINDS), limit)
        ]

    async def bounds(self) -> tuple[int, int]:
        newest = await NEWEST.rows(1)
        return (await self.progress(DROPPED) or 0, newest[0].position if newest else 0)

    async def count(self, after: int, kinds: frozenset[type[Event]]) -> int:
        names = [kind.__name__ for kind in kinds]
        return await JournalEntry.filter(position__gt=after, kind__in=names).count()

    async def progress(self, group: str) -> int | None:
        rows = await POSITION.rows(group)
        return rows[0].position if rows else None

    async def save_progress(self, group: str, position: int) -> None:
        if not await ConsumerPosition.filter(group=group).update(position=position):
            await ConsumerPosition.create(group=group, position=position)

    async def forget(self, before: datetime) -> int:
        """Drop the events published before a moment that every group of workers has done; how many.

        The newest one stays, so that the log goes on where it was.
        """
        done = await ConsumerPosition.exclude(group=DROPPED).order_by("position").first()
        newest = await JournalEntry.all().order_by("-position").first()
        if done is None or newest is None:
            return 0
        # From the first that is young enough on all are kept: behind a clock that went back, too.
        young = await JournalEntry.filter(published_at__gte=before).order_by("position").first()
        ends = (done.position + 1, newest.position, young.position if young else newest.position)
        dropped = 0
        while True:
            old = JournalEntry.filter(position__lt=min(ends)).order_by("position")
            places = [row.position for row in await old.limit(DROPPED_AT_ONCE).only("position")]
            if not places:
                return dropped
            await self.save_progress(DROPPED, places[-1])  # first: what is said to be kept is there
            dropped += await JournalEntry.filter(position__in=places).delete()


async def _append(new: Sequence[Entry]) -> list[Delivery]:
    async def write() -> list[Delivery]:
        await insert(JournalEntry, map(_row, new))
        places = {row.uid: row.position for row in await NEWEST.rows(len(new))}
        return [Delivery(places[entry.uid], entry.event, entry.uid, entry.origin) for entry in new]

    return await atomically(write) if new else []


def _row(entry: Entry) -> dict[str, Any]:
    payload = to_payload(entry.event, entry.origin)
    return {"uid": entry.uid, "kind": type(entry.event).__name__, "payload": payload}
