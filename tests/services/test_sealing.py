"""Notes become entries, each once, in one chain, whoever seals and whatever fails meanwhile."""

import asyncio
import logging
import sys
from collections import Counter
from pathlib import Path

import pytest
from tortoise.exceptions import OperationalError

from services import sealing, trail
from services.trail_check import check
from store.database import atomically
from store.tables import TrailEntry, TrailKind, TrailNote
from tests.people import eventually
from tests.trails import noted, sealed

ROOT = Path(__file__).parents[2]
EACH = 150


async def note(number: int = 1) -> None:
    await trail.note(TrailKind.SIGNED_IN, None, User=number)


async def process(url: str, actor: int) -> None:
    """Another process, to its end."""
    words = (sys.executable, "-m", "tests.noting", url, str(EACH), str(actor))
    one = await asyncio.create_subprocess_exec(*words, cwd=ROOT)
    assert await one.wait() == 0


@pytest.mark.timeout(120)
async def test_processes_that_write_and_seal_at_once_make_one_chain(database: str) -> None:
    await asyncio.gather(process(database, 1), process(database, 2))
    entries = await sealed()
    assert [entry.position for entry in entries] == list(range(1, 2 * EACH + 1))
    assert Counter(entry.actor_id for entry in entries) == {1: EACH, 2: EACH}
    assert {(entry.actor_id, entry.subjects["Label"]) for entry in entries} == {
        (actor, number) for actor in (1, 2) for number in range(EACH)
    }
    assert (await check()).fault is None


@pytest.mark.usefixtures("database")
async def test_what_is_undone_was_never_noted() -> None:
    async def body() -> None:
        await note()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await atomically(body)
    assert await sealed() == []


@pytest.mark.usefixtures("database")
async def test_of_two_who_seal_the_same_notes_one_does() -> None:
    for number in range(5):
        await note(number)
    notes = await TrailNote.all().order_by("id").values("id", *sealing.TOLD)
    await atomically(lambda: sealing._move(notes))
    with pytest.raises(sealing._Faster):
        await atomically(lambda: sealing._move(notes))
    await note(6)
    more = [*notes, *await TrailNote.all().values("id", *sealing.TOLD)]
    with pytest.raises(sealing._Faster):
        await atomically(lambda: sealing._move(more))
    assert await TrailNote.all().count() == 1
    assert len(await sealed()) == 6
    assert (await check()).fault is None


@pytest.mark.usefixtures("database")
async def test_batches_follow_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 4)
    await noted(10)
    assert (await check()).entries == 10


@pytest.mark.usefixtures("database")
async def test_a_fault_delays_and_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sealing, "PAUSE_SECONDS", 0.01)
    move, faults = sealing._move, [OperationalError("the database is away")]

    async def shaky(notes: object) -> None:
        await move(notes)  # type: ignore[arg-type]
        if faults:
            raise faults.pop()

    monkeypatch.setattr(sealing, "_move", shaky)
    await note()
    task = asyncio.create_task(sealing.seal_for_ever())
    with caplog.at_level(logging.ERROR):
        await eventually(TrailEntry.exists)
    task.cancel()
    assert "sealing failed" in caplog.text
    assert (await check()).entries == await TrailEntry.all().count() == 1
