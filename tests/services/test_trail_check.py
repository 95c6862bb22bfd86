"""The chain of the trail: whatever is changed, removed, inserted or cut off is noticed, on each engine."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.sealing import BEGINNING, chained, digest
from services.trail_check import PAGE, Checked, check
from store.database import open_database
from store.tables import TrailEntry, TrailNote
from tests import databases
from tests.trails import noted, sealed, unguarded

ENTRIES = 6


async def fault() -> str:
    found = await check()
    assert found.fault
    return found.fault


def test_the_hash_is_that_of_canonical_json() -> None:
    at = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
    entry = {"position": 1, "previous": BEGINNING, "at": at, "kind": "USER_BLOCKED", "actor_id": 3}
    entry |= {"subjects": {"User": 4}, "value": None, "reason": "José: spam"}
    text = (
        '{"actor_id":3,"at":"2026-11-28T12:00:00.000000+00:00","kind":"USER_BLOCKED","position":1,"previous":"'
        + BEGINNING
        + '","reason":"Jos\\u00e9: spam","subjects":{"User":4},"value":null}'
    )
    assert json.loads(text)["reason"] == entry["reason"]
    assert digest(entry) == hashlib.sha256(text.encode()).hexdigest()


def test_every_column_is_in_the_hash() -> None:
    fixed = {"id", "sha256"}
    (one,) = chained([dict.fromkeys(TrailEntry._meta.db_fields) | {"at": datetime.now(UTC)}], 0, BEGINNING)
    for name in TrailEntry._meta.db_fields - fixed:
        other = datetime(2020, 1, 1, tzinfo=UTC) if name == "at" else "another"
        assert digest({**one, name: other}) != one["sha256"], name


@pytest.mark.usefixtures("database")
async def test_what_nobody_touched_fits() -> None:
    assert await check() == Checked(0, BEGINNING, None, 0)
    await noted(ENTRIES)
    last = await TrailEntry.get(position=ENTRIES)
    assert await check() == Checked(ENTRIES, last.sha256, None, 0)
    first = await TrailEntry.get(position=1)
    assert first.previous == BEGINNING
    assert (await TrailEntry.get(position=2)).previous == first.sha256


@pytest.mark.parametrize(
    "change",
    [
        "actor_id = 99",
        "kind = 'IMAGE_DELETED'",
        "at = '2026-01-01 00:00:00.000000'",
        "subjects = '{\"Image\": 8}'",
        "value = 'ADMIN'",
        "reason = 'because'",
        "sha256 = 'x'",
        f"previous = '{BEGINNING}'",
    ],
)
async def test_a_changed_entry_is_named(database: str, change: str) -> None:
    await noted(ENTRIES)
    with unguarded(database) as cursor:
        cursor.execute(f"UPDATE trail_entry SET {change} WHERE position = 3")
    assert (await fault()).startswith("entry 3 was changed")
    assert (await check()).entries == 2


async def test_a_value_that_cannot_be_read_is_named(sqlite_template: Path, tmp_path: Path) -> None:
    """MariaDB's columns refuse it."""
    url = databases.sqlite_copy(sqlite_template, tmp_path)
    async with open_database(url):
        await noted(ENTRIES)
        with unguarded(url) as cursor:
            cursor.execute("UPDATE trail_entry SET at = 'x', subjects = '{' WHERE position = 3")
        assert await fault() == "entry 3 was changed: it holds what no entry can"


async def test_a_changed_entry_with_a_hash_to_match_breaks_the_next(database: str) -> None:
    await noted(ENTRIES)
    (row,) = await TrailEntry.filter(position=3).values()
    forged = digest({**row, "actor_id": 99})
    with unguarded(database) as cursor:
        cursor.execute(f"UPDATE trail_entry SET actor_id = 99, sha256 = '{forged}' WHERE position = 3")
    assert (await fault()).startswith("entry 4 does not follow")


@pytest.mark.parametrize(("place", "found"), [(1, 1), (3, 3)])
async def test_a_removed_entry_is_missed(database: str, place: int, found: int) -> None:
    await noted(ENTRIES)
    with unguarded(database) as cursor:
        cursor.execute(f"DELETE FROM trail_entry WHERE position = {place}")
    assert await fault() == f"entry {found} is missing: it was removed"


async def test_places_moved_up_over_a_removed_entry_do_not_help(database: str) -> None:
    await noted(ENTRIES)
    with unguarded(database) as cursor:
        cursor.execute("DELETE FROM trail_entry WHERE position = 3")
        for place in range(4, ENTRIES + 1):
            cursor.execute(f"UPDATE trail_entry SET position = {place - 1} WHERE position = {place}")
    assert (await fault()).startswith("entry 3 was changed")


async def test_an_inserted_entry_is_named(database: str) -> None:
    await noted(ENTRIES)
    (row,) = await TrailEntry.filter(position=1).values()
    (forged,) = chained([{**row, "actor_id": 99}], -1, BEGINNING)
    columns = "at, kind, actor_id, subjects, position, previous, sha256"
    values = f"'{row['at']:%Y-%m-%d %H:%M:%S.%f}', 'SIGNED_IN', 99, '{{}}', 0, '{BEGINNING}'"
    with unguarded(database) as cursor:
        cursor.execute(f"INSERT INTO trail_entry ({columns}) VALUES ({values}, '{forged['sha256']}')")
    assert (await fault()).startswith("entry 0 was inserted")


async def test_an_entry_between_two_others_is_named(database: str) -> None:
    """By somebody who moves the others and makes the hash of the new one."""
    await noted(ENTRIES)
    before, row = await TrailEntry.filter(position__in=[2, 3]).order_by("position").values()
    (forged,) = chained([{**row, "actor_id": 99}], 2, before["sha256"])
    columns = "at, kind, actor_id, subjects, position, previous, sha256"
    values = f"'{row['at']:%Y-%m-%d %H:%M:%S.%f}', '{row['kind']}', 99, '{{\"Image\": 3, \"Label\": 3}}', 3"
    with unguarded(database) as cursor:
        for place in range(ENTRIES, 2, -1):
            cursor.execute(f"UPDATE trail_entry SET position = {place + 1} WHERE position = {place}")
        hashes = f"'{before['sha256']}', '{forged['sha256']}'"
        cursor.execute(f"INSERT INTO trail_entry ({columns}) VALUES ({values}, {hashes})")
    assert (await fault()).startswith("entry 4 was changed")
    assert (await check()).entries == 3


async def test_an_end_that_was_cut_off_is_noticed_by_whoever_kept_the_head(database: str) -> None:
    await noted(ENTRIES)
    kept = (await check()).head
    await noted(2)
    assert (await check(kept)).fault is None
    with unguarded(database) as cursor:
        cursor.execute(f"DELETE FROM trail_entry WHERE position >= {ENTRIES}")
    assert (await check()).fault is None
    assert "cut off" in ((await check(kept)).fault or "")


async def test_a_chain_made_anew_is_noticed_by_whoever_kept_the_head(database: str) -> None:
    await noted(ENTRIES)
    kept = (await check()).head
    rows = await TrailEntry.all().order_by("position").values()
    anew = chained([{**row, "actor_id": 99} for row in rows], 0, BEGINNING)
    with unguarded(database) as cursor:
        for entry in anew:
            told = f"actor_id = 99, previous = '{entry['previous']}', sha256 = '{entry['sha256']}'"
            cursor.execute(f"UPDATE trail_entry SET {told} WHERE position = {entry['position']}")
    assert (await check()).fault is None
    assert "made anew" in ((await check(kept)).fault or "")


@pytest.mark.usefixtures("database")
async def test_goes_on_over_pages_and_tells_how_far_it_is() -> None:
    count = 2 * PAGE + 3
    at = datetime.now(UTC)
    row = {"at": at, "kind": "SIGNED_IN", "actor_id": 1, "subjects": {"User": 1}, "value": None}
    entries = chained([{**row, "reason": None}] * count, 0, BEGINNING)
    await TrailEntry.bulk_create([TrailEntry(**entry) for entry in entries])
    heard: list[tuple[int, int]] = []
    found = await check(entries[0]["sha256"], lambda done, total: heard.append((done, total)))
    assert found == Checked(count, entries[-1]["sha256"], None, 0)
    assert heard == [(PAGE, count), (2 * PAGE, count)]


@pytest.mark.usefixtures("database")
async def test_what_waits_is_counted() -> None:
    await noted(1)
    await TrailNote.create(at=datetime.now(UTC), kind="SIGNED_IN", subjects={})
    assert (await check()).waiting == 1
    assert len(await sealed()) == 2
    assert (await check()).waiting == 0
