"""How it is with the database and what lies in its rows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from services.checkup import Checked, fault, ok, warning
from services.counting import count_of
from services.retention import due
from services.trail_check import check
from store import clock, trail_guard
from store.engine import Engine, damage
from store.migrating import known
from store.tables import ACTIVE_STATES, Image, OutboxEvent, TrailEntry, TrailNote, TrainingRun, User

OLDEST = {"SQLite": (3, 35), "MySQL": (8, 0), "MariaDB": (10, 11)}
"""Versions on which the platform is tested, or newer ones are."""
POOL = 20
"""Connections that each process may take."""
CLOCKS_APART = timedelta(minutes=5)
NOTICED = timedelta(seconds=5)
DAY = timedelta(days=1)
LATE = timedelta(minutes=2)
"""After this, what is done within a second is not done at all."""
GUARD_REMEDY = "run covidxr migrate"
ON_MYSQL = (
    ", as a user of MySQL to whom TRIGGER is granted on the database; with binary logging "
    "SET GLOBAL log_bin_trust_function_creators = 1 first"
)


def of_engine(found: Engine) -> list[Checked]:
    """The engine, and whether its tables are this program's."""
    part, name = "database", f"{found.name} {found.version}"
    lines = [ok(part, f"{name} answers")]
    if _numbers(found.version) < OLDEST[found.name]:
        oldest = ".".join(map(str, OLDEST[found.name]))
        lines.append(
            warning(part, f"{name} is older than what is tested", f"upgrade it to {oldest} or newer")
        )
    if found.characters != "utf8mb4":
        remedy = "ALTER DATABASE … CHARACTER SET utf8mb4, and convert the tables that are there"
        lines.append(fault(part, f"its characters are {found.characters}, and not all of them", remedy))
    if not found.is_durable:
        remedy = "set innodb_flush_log_at_trx_commit = 1"
        lines.append(warning(part, "what it has acknowledged may be lost when the power fails", remedy))
    if found.connections is not None and found.connections < 5 * POOL:
        remedy = f"set max_connections to {POOL} for each server and worker, and some more"
        lines.append(warning(part, f"it lets in {found.connections} connections at a time", remedy))
    return [*lines, of_migrations(found.migrations)]


def of_migrations(applied: list[str]) -> Checked:
    """Whether the tables are those of this version."""
    part = "tables"
    if not applied:
        return warning(
            part, "there are none yet", "start the server, or run covidxr migrate, which make them"
        )
    if newer := [name for name in applied if name not in known()]:
        return fault(part, f"they are of a newer version, which has {newer[-1]}", "upgrade the program")
    if pending := [name for name in known() if name not in applied]:
        remedy = "run covidxr migrate, or start the server, after a backup"
        return warning(part, f"{len(pending)} migrations wait, the first is {pending[0]}", remedy)
    return ok(part, f"up to date ({applied[-1]})")


async def of_rows(everything: bool) -> AsyncIterator[Checked]:
    """Clock, people, trail, events and runs, where the tables are up to date.

    Args:
        everything: also what takes long: the whole trail, and SQLite's whole file.
    """
    yield await _clock()
    yield await _people()
    if everything:
        found = await damage()
        remedy = "restore a backup into a new place"
        yield fault("database", f"its file is damaged: {found}", remedy) if found else ok("database", "whole")
    yield await _trail(everything)
    database = TrailEntry._meta.db
    if not await trail_guard.stands(database):
        remedy = GUARD_REMEDY + (ON_MYSQL if database.capabilities.dialect == "mysql" else "")
        yield warning("trail", "the database lets its entries be changed and deleted", remedy)
    yield await _outbox()
    yield await _run()
    yield await _given_up()


async def _clock() -> Checked:
    apart = abs(await clock.now() - datetime.now(UTC))
    words = f"{apart.total_seconds():.1f} s from the database's"
    remedy = "let both machines follow a time server (chrony, systemd-timesyncd)"
    if apart >= CLOCKS_APART:
        return fault("clock", words, remedy)
    return warning("clock", words, remedy) if apart >= NOTICED else ok("clock", words)


async def _people() -> Checked:
    if await User.admins().exists():
        accounts = count_of(await User.all().count(), "account")
        return ok("people", f"{accounts}, {count_of(await User.admins().count(), 'administrator')}")
    return warning("people", "there is no administrator who can sign in", "run covidxr create-admin ADDRESS")


async def _trail(everything: bool) -> Checked:
    if everything and (found := (await check()).fault):
        return fault("trail", found, "keep the database as it is, and compare it with your backups")
    late = await TrailNote.filter(at__lt=datetime.now(UTC) - LATE).count()
    if late:
        remedy = 'start the server; if it runs, look for "notes of the trail wait" in its log'
        return warning("trail", f"to be sealed: {count_of(late, 'note')}", remedy)
    return ok("trail", "each entry fits" if everything else "all is sealed; --all walks it")


async def _outbox() -> Checked:
    waiting = OutboxEvent.filter(created_at__lt=datetime.now(UTC) - LATE)
    if oldest := await waiting.order_by("created_at").first():
        since = oldest.created_at.isoformat(" ", "seconds")
        remedy = (
            'start the server; if it runs, look for "events wait" and "the broker is away" in its log. '
            f"Those of a kind unknown to this version wait for a newer one; the oldest is {oldest.kind}"
        )
        return warning("events", f"{await waiting.count()} wait to be told, the oldest since {since}", remedy)
    return ok("events", "none waits to be told")


async def _run() -> Checked:
    run = await TrainingRun.active()
    if run is None or run.state not in ACTIVE_STATES:
        return ok("training", "no run is under way")
    since = run.lease_until or run.queued_at
    if await clock.now() - since < LATE:
        return ok("training", f"run {run.id} is under way")
    remedy = "start the server or a worker, which takes it over; or end it by cancelRetraining"
    return warning("training", f"nobody works on run {run.id} since {since:%Y-%m-%d %H:%M}", remedy)


async def _given_up() -> Checked:
    if count := await Image.given_up().count():
        remedy = "they are tried again every hour; images(filter: {failed: true}) says why each was given up"
        images = count_of(count, "image")
        return warning("findings", f"not judged, for a fault of the platform: {images}", remedy)
    return ok("findings", "no image was given up for a fault of the platform")


async def of_retention(kept: timedelta | None) -> Checked:
    """What goes for its age; where nobody has swept it since a day, it is about to, or nobody sweeps."""
    part = "retention"
    if kept is None:
        return ok(part, "nothing is deleted for its age")
    found = await due(kept)
    images, messages = count_of(found.images, "image"), count_of(found.messages, "message")
    words = (
        f"{images} and {messages} of the contact form, not used for {count_of(kept.days, 'day')}: the server "
        "deletes them within an hour"
    )
    if not any(await due(kept + DAY)):
        return ok(part, words)
    remedy = (
        "to keep them, set COVIDXR_RETENTION_DAYS to more, or 0, before the server starts; if it runs, look "
        'for "sweeping failed" in its log'
    )
    return warning(part, words, remedy)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])
