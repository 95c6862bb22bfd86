"""Sweeping: what belongs to no image goes, after an hour; what a dead trainer left goes too."""

import os
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.settings import Settings
from api.wiring import Parts, running
from services import sweeping as sweeping_module
from services.journal import DatabaseJournal
from services.keys import features_key, heatmap_key, model_key, pixels_key
from services.sweeping import Sweeping
from store.blobs import Blobs, Listed
from store.tables import ConsumerPosition, Image, JournalEntry, RunTrigger, TrainingRun
from tests.people import eventually, member
from tests.store_rows import image as image_row

HOUR = 3600


def sweeping_of(blobs: Blobs, scratch: Path) -> Sweeping:
    return Sweeping(blobs, scratch, DatabaseJournal(), timedelta(days=90))


@pytest.fixture
def sweeping(database: str, tmp_path: Path) -> Sweeping:
    (tmp_path / "scratch").mkdir()
    return sweeping_of(Blobs(f"file://{tmp_path / 'blobs'}"), tmp_path / "scratch")


async def put(blobs: Blobs, folder: Path, key: str, age: int) -> None:
    """A blob that was put so many seconds ago."""
    await blobs.put(key, b"x")
    os.utime(folder / key, (time.time() - age,) * 2)


def left(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


async def test_removes_old_blobs_of_no_image_alone(sweeping: Sweeping, tmp_path: Path) -> None:
    image = await image_row(await member())
    await Image.filter(id=image.id).update(features="vgg/16")
    folder = tmp_path / "blobs"
    kept = [(pixels_key(image.key), 2), (features_key("vgg/16", image.key), 2), (model_key("0a1b"), 2)]
    kept += [(pixels_key("new"), 0), (features_key("vgg/16", "new"), 0)]
    kept += [(heatmap_key(7, image.key), 2), (heatmap_key(7, "new"), 0)]
    gone = [
        (features_key("vgg/15", image.key), 2),
        (heatmap_key(7, "old"), 2),
        (pixels_key("old"), 2),
        (features_key("vgg/16", "old"), 2),
        (features_key("other", "old"), 2),
    ]
    for key, hours in kept + gone:
        await put(sweeping.blobs, folder, key, hours * HOUR)
    await sweeping.sweep_blobs()
    assert left(folder) == {key for key, _ in kept}


@pytest.mark.parametrize(("slot", "stays"), [(1, True), (None, False)])
async def test_removes_the_folders_of_runs_that_are_over(
    sweeping: Sweeping, slot: int | None, stays: bool
) -> None:
    current = await TrainingRun.create(slot=slot, trigger=RunTrigger.ADMIN, epochs=1)
    folder = sweeping.scratch / f"run-{current.id}-abc"
    for name in (folder.name, f"run-{current.id}1-abc", "run-0-abc", "other"):
        (sweeping.scratch / name).mkdir()
        (sweeping.scratch / name / "images.npz").touch()
    await sweeping.sweep_scratch()
    assert {path.name for path in sweeping.scratch.iterdir()} == {"other"} | (
        {folder.name} if stays else set()
    )


async def test_nothing_to_sweep_is_no_fault(sweeping: Sweeping) -> None:
    sweeping.scratch.rmdir()
    await sweeping.sweep_blobs()
    await sweeping.sweep_scratch()


async def published(*days_ago: int) -> list[int]:
    """The places of events that were published so many days ago."""
    rows = [
        await JournalEntry.create(uid=f"uid-{number}", kind="ImageUploaded", payload={"image_id": number})
        for number, _ in enumerate(days_ago)
    ]
    for row, days in zip(rows, days_ago, strict=True):
        long_ago = datetime.now(UTC) - timedelta(days=days)
        await JournalEntry.filter(position=row.position).update(published_at=long_ago)
    return [row.position for row in rows]


async def places() -> list[int]:
    return [row.position for row in await JournalEntry.all().order_by("position")]


async def test_drops_old_events_that_all_groups_have_done(
    sweeping: Sweeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.journal.DROPPED_AT_ONCE", 1)
    events = await published(200, 150, 100, 95, 80, 120, 1)
    await sweeping.sweep_events()
    assert await places() == events  # no group has begun

    await ConsumerPosition.create(group="slow", position=events[2])
    await ConsumerPosition.create(group="fast", position=events[6])
    await sweeping.sweep_events()
    assert await places() == events[3:]
    await ConsumerPosition.filter(group="slow").update(position=events[6])
    await sweeping.sweep_events()
    assert await places() == events[4:], "the clock went back behind the fourth, and nothing has a hole"


async def test_the_newest_event_stays_however_old(sweeping: Sweeping) -> None:
    events = await published(400, 300)
    await ConsumerPosition.create(group="all", position=events[1])
    await sweeping.sweep_events()
    assert await places() == events[1:]


async def test_the_platform_sweeps_when_it_starts_and_goes_on_after_a_fault(
    settings: Settings, parts: Parts, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sweeping_module, "EVERY_SECONDS", 0.05)
    folder, listing, failing = settings.data_dir / "blobs", Blobs.list, [True]

    async def moody(self: Blobs, room: str) -> AsyncIterator[list[Listed]]:
        if failing and failing.pop():
            raise ConnectionError("the store is away")
        async for found in listing(self, room):
            yield list(found)

    monkeypatch.setattr(Blobs, "list", moody)
    await put(Blobs(f"file://{folder}"), folder, pixels_key("old"), 2 * HOUR)

    async def is_gone() -> bool:
        return not (folder / pixels_key("old")).exists()

    async with running(settings, parts):
        await eventually(is_gone)
    assert "the store is away" in caplog.text
