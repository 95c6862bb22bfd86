"""What the trail costs whoever labels: `.venv/bin/python -m benchmarks.trail`.

Labels a second, by processes of 16 who label at once, on SQLite and on MariaDB or MySQL
(`COVIDXR_TEST_MYSQL`, else on loopback): without a trail, with notes that are sealed afterwards, as the
platform does it, and with entries that each take their place in the chain within the transaction, behind a
lock on its end. The ways take turns, so that whatever else the machine does meets all of them. Minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from uuid import uuid4

from rich.console import Console
from tortoise.expressions import F

from api.terminal import table
from events.memory import InProcessLog
from services import labelling, sealing, trail
from services.journal import DatabaseJournal
from services.outbox import Outbox
from store.database import open_database
from store.inserting import insert
from store.tables import ConsumerPosition, Finding, Image, OutboxEvent, TrailEntry, TrailKind, TrailNote, User
from tests import databases, people

AT_ONCE = 16
LOCK = "the end of the chain"
WAYS = ("without", "sealed afterwards", "locked chain")


async def nothing(*_: Any, **__: Any) -> None:
    """In place of a note."""


async def chained(kind: TrailKind, actor: User | None, **subjects: int) -> None:
    """An entry at its place, which nobody else can take until the transaction is over."""
    await ConsumerPosition.filter(group=LOCK).update(position=F("position") + 1)
    head = await TrailEntry.all().order_by("-position").select_for_update().first()
    told = {"at": datetime.now(UTC), "kind": kind.value, "actor_id": actor.id if actor else None}
    row = told | {"subjects": subjects, "value": None, "reason": None}
    place, previous = (head.position, head.sha256) if head else (0, sealing.BEGINNING)
    await insert(TrailEntry, sealing.chained([row], place, previous))


async def label(url: str, way: str, user: int, seconds: float) -> tuple[int, float]:
    """How many labels one process enters, and the median time of one in milliseconds."""
    notes = {"without": nothing, "sealed afterwards": trail.note, "locked chain": chained}
    labelling.note = notes[way]  # type: ignore[assignment]
    times: list[float] = []
    async with open_database(url):
        by, outbox = await User.get(id=user), Outbox(InProcessLog(DatabaseJournal()))
        film = {"media_type": "image/png", "size": 1, "width": 64, "height": 64, "holdout": False}
        key = uuid4().hex
        row = await Image.create(owner=by, key=key, filename="chest.png", sha256=key, **film)
        tasks = [asyncio.create_task(sealing.seal_for_ever())] if way == "sealed afterwards" else []
        end = time.monotonic() + seconds

        async def one() -> None:
            while (begin := time.monotonic()) < end:
                await outbox.commit(lambda: labelling.enter(row.id, by, Finding.COVID, None))
                times.append(time.monotonic() - begin)

        await asyncio.gather(*(one() for _ in range(AT_ONCE)))
        for task in tasks:
            task.cancel()
    return len(times), 1000 * statistics.median(times)


def work(url: str, way: str, user: int, seconds: float) -> tuple[int, float]:
    """The same, in a process of its own."""
    return asyncio.run(label(url, way, user, seconds))


async def prepared(url: str) -> int:
    """The user who labels; what earlier ways have left for a relay is removed."""
    async with open_database(url):
        await OutboxEvent.all().delete()
        await ConsumerPosition.get_or_create({"position": 0}, group=LOCK)
        user = await User.get_or_none(email="ana@hospital.example") or await people.member()
        return user.id


def measured(
    pool: ProcessPoolExecutor, url: str, way: str, processes: int, seconds: float
) -> tuple[float, float, int]:
    """Labels a second of so many processes together, the median time of one, and notes that wait then."""
    user = asyncio.run(prepared(url))
    given = [pool.submit(work, url, way, user, seconds) for _ in range(processes)]
    found = [one.result() for one in given]
    rate = sum(count for count, _ in found) / seconds
    return rate, statistics.mean(each for _, each in found), asyncio.run(waiting(url))


async def waiting(url: str) -> int:
    """How many notes are not sealed; they are removed."""
    async with open_database(url):
        count: int = await TrailNote.all().delete()
        return count


@contextmanager
def engine(name: str) -> Iterator[str]:
    """The URL of an empty database."""
    if name == "mysql":
        with databases.own_mysql() as url:
            yield url
    else:
        with tempfile.TemporaryDirectory() as folder:
            template = databases.sqlite_template(Path(folder))
            yield databases.sqlite_copy(template, Path(folder))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    found: dict[str, dict[str, list[tuple[float, float, int]]]] = {}
    for name, processes in (("sqlite", 1), ("mysql", 1), ("mysql", 2)):
        case = f"{name}, {processes} process{'es' * (processes > 1)}"
        found[case] = {way: [] for way in WAYS}
        pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
        with pool, engine(name) as url:
            for _ in range(arguments.rounds):
                for way in WAYS:
                    found[case][way].append(measured(pool, url, way, processes, arguments.seconds))
    show(found)


def show(found: dict[str, dict[str, list[tuple[float, float, int]]]]) -> None:
    """A table, and a line of JSON."""
    rows, figures = [], {}
    for case, ways in found.items():
        for way, measurements in ways.items():
            rates = [rate for rate, *_ in measurements]
            each = statistics.median(milliseconds for _, milliseconds, _ in measurements)
            left = max(count for *_, count in measurements)
            rate = statistics.median(rates)
            rows.append(
                [case, way, f"{rate:.0f}", f"{min(rates):.0f} to {max(rates):.0f}", f"{each:.1f}", f"{left}"]
            )
            figures[f"{case}: {way}"] = {
                "per_second": round(rate, 1),
                "milliseconds": round(each, 2),
                "left": left,
            }
    header = ["database", "trail", "labels/s", "range", "ms each", "left"]
    Console(width=100).print(table("Labels a second, by 16 at once in each process", header, rows))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
