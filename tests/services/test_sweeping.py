"""Sweeping: what belongs to no image goes, after an hour; what a dead trainer left goes too."""

import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.settings import Settings
from api.wiring import Parts, running
from services import sweeping as sweeping_module
from services.keys import features_key, heatmap_key, model_key, pixels_key
from services.sweeping import Sweeping
from store.blobs import Blobs, Listed
from store.tables import Image, RunTrigger, TrainingRun
from tests.people import eventually, member
from tests.store_rows import image as image_row

HOUR = 3600


@pytest.fixture
def sweeping(database: str, tmp_path: Path) -> Sweeping:
    (tmp_path / "scratch").mkdir()
    return Sweeping(Blobs(f"file://{tmp_path / 'blobs'}"), tmp_path / "scratch")


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
