"""What was backed up is there again, to the last row, byte and microsecond, whatever it is restored to."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from api.wiring import running
from services.trail_check import check
from store.database import open_database
from tests import backups, stand_ins
from tests.backups import Place, Rows, fill, note_unsealed

pytestmark = pytest.mark.usefixtures("no_settings")
WAYS = [("sqlite", "sqlite"), ("mysql", "mysql"), ("sqlite", "mysql"), ("mysql", "sqlite")]


@pytest.fixture(params=WAYS, ids="-to-".join)
def places(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Place, Place]]:
    """An installation, and another one that holds nothing yet."""
    first, second = request.param
    with (
        backups.place(first, tmp_path / "first", request) as source,
        backups.place(second, tmp_path / "second", request) as target,
    ):
        yield source, target


def compared(rows: Rows, blobs: Mapping[str, bytes]) -> str:
    """How much has been found equal, value by value and byte by byte."""
    rooms = Counter(key.partition("/")[0] for key in blobs)
    values = sum(len(row) for table in rows.values() for row in table)
    size = sum(map(len, blobs.values()))
    told = ", ".join(f"{count} in {room}" for room, count in sorted(rooms.items()))
    return f"{values} values, {size} bytes; blobs: {told}."


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_everything_is_there_again(places: tuple[Place, Place], tmp_path: Path) -> None:
    source, target = places
    async with running(source.settings, stand_ins.parts()) as platform:
        await fill(platform)
    async with open_database(source.database_url):
        await note_unsealed()
        head = (await check()).head
    before, blobs = await backups.rows(source.database_url), await backups.blobs(source)
    assert [table for table, rows in before.items() if not rows] == []
    folder = tmp_path / "backup"
    said = await asyncio.to_thread(source.does, "backup", str(folder))
    assert f"and {len(blobs)} blobs" in said
    digest = said.split()[-1]
    restored = await asyncio.to_thread(target.does, "restore", str(folder), "--expect", digest)
    assert await backups.rows(target.database_url) == before
    assert await backups.blobs(target) == blobs
    print(restored.splitlines()[-1], compared(before, blobs))
    count = sum(map(len, before.values()))
    assert f"Restored and compared: {count} rows of {len(before)} tables and {len(blobs)} blobs (" in restored
    assert (target.data_dir / "secret.key").read_bytes() == (source.data_dir / "secret.key").read_bytes()
    assert (target.data_dir / "secret.key").stat().st_mode & 0o777 == 0o600
    said = await asyncio.to_thread(target.does, "audit", "verify", "--expect", head)
    assert head in said
