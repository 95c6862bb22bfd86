"""Training runs: whoever takes one over goes on from its checkpoints, which are blobs until its end."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from api.settings import Settings
from api.wiring import Parts, running
from events.messages import RetrainingRequested
from services import training_set
from services.journal import DatabaseJournal
from services.keys import CHECKPOINTS, checkpoint_key
from services.platform import Platform
from services.sweeping import Sweeping
from services.training import Progress, TrainerFailed
from store.blobs import Blobs
from store.tables import RunState, TrainingRun
from tests import stand_ins
from tests.people import admin, eventually, member
from tests.runs import Hooked, ended, interrupted, label, states_told, training
from tests.stand_ins import ScriptedTrainer

NAME = "0a1b.safetensors"


@dataclass
class Keeping(Hooked):
    """Writes down the epochs that it has done, and goes on behind those that it finds."""

    found: list[dict[str, str]] = field(default_factory=list)
    rows: list[tuple[object, ...]] = field(default_factory=list)
    stops_at: int | None = None

    async def train(self, folder: Path) -> AsyncGenerator[Progress]:
        checkpoints = folder / training_set.CHECKPOINTS
        self.found.append({file.name: file.read_text() for file in checkpoints.iterdir()})
        self.rows += await TrainingRun.filter(slot=1).values_list("epoch", "loss", "losses")
        done = int(self.found[-1].get(NAME, "0"))
        async for step in ScriptedTrainer.train(self, folder):
            if step.epoch < done:
                continue
            (checkpoints / NAME).write_text(str(step.epoch))
            yield step
            if step.epoch == self.stops_at:
                await asyncio.Event().wait()
            if self.during and step.state is self.at:
                await self.during()


@pytest.fixture
async def parts(parts: Parts) -> Parts:
    return replace(parts, trainer=Keeping())


async def kept(blobs: Blobs) -> set[str]:
    """The keys of all checkpoints."""
    return {blob.key async for found in blobs.list(CHECKPOINTS) for blob in found}


@pytest.mark.usefixtures("quick")
async def test_a_run_goes_on_at_another_server_where_the_last_one_stopped(settings: Settings) -> None:
    """Nothing but the database and the blobs is common to the two."""
    trainer = Keeping(stops_at=1)
    async with running(settings, stand_ins.parts(trainer=trainer)) as platform:
        await label(platform, await member(), 3)
        run = await training()
        key = checkpoint_key(run.id, NAME)
        assert await eventually(lambda: kept(platform.images.blobs)) == {key}
    other = settings.model_copy(update={"data_dir": settings.data_dir / "other", "blobs_url": settings.blobs})
    trainer.stops_at, trainer.found = None, []
    async with running(other, stand_ins.parts(trainer=trainer)) as platform:
        (run,) = await ended()
        told = await states_told(run)
        assert trainer.found == [{NAME: "1"}]
        assert (run.state, run.losses, run.epoch) == (RunState.PROMOTED, [1.0, 0.5], 2)
        epochs = [epoch for state, epoch in told if state == "TRAINING"]
        assert epochs == [1, 1, 2], "the last epoch that was done is told again, and no earlier one"
        assert await eventually(lambda: gone(platform.images.blobs))


@pytest.mark.parametrize(("checkpoint", "told"), [(True, (2, 0.25, [1.0, 0.25])), (False, (0, None, None))])
async def test_what_was_told_stands_where_there_is_a_checkpoint(
    platform: Platform, parts: Parts, checkpoint: bool, told: tuple[object, ...]
) -> None:
    """Until the trainer has news; without one the run is told to be at its beginning again."""
    run = await interrupted(fence=1, lease=timedelta(seconds=-1))
    await TrainingRun.filter(id=run.id).update(epoch=2, loss=0.25, losses=[1.0, 0.25])
    if checkpoint:
        await platform.images.blobs.put(checkpoint_key(run.id, NAME), b"2")
    await platform.training.train(RetrainingRequested(run.id))
    assert parts.trainer.rows == [told]


async def test_other_images_begin_anew_and_the_losses_with_them(platform: Platform, parts: Parts) -> None:
    """What lies there is another training's, so that the trainer passes it over."""
    run = await interrupted(fence=1, lease=timedelta(seconds=-1))
    await TrainingRun.filter(id=run.id).update(epoch=2, loss=9.0, losses=[9.0, 9.0])
    await platform.images.blobs.put(checkpoint_key(run.id, "other.safetensors"), b"2")
    seen: list[object] = []

    async def look() -> None:
        seen.append((await TrainingRun.get(id=run.id)).losses)

    parts.trainer.during, parts.trainer.at = look, RunState.TRAINING
    await platform.training.train(RetrainingRequested(run.id))
    assert seen == [[1.0], [1.0, 0.5]]


@pytest.mark.parametrize("end", ["promoted", "failed", "cancelled"])
async def test_with_the_run_its_checkpoints_go(platform: Platform, parts: Parts, end: str) -> None:
    blobs, seen = platform.images.blobs, []

    async def look() -> None:
        seen.append(await kept(blobs))
        if end == "cancelled":
            await platform.retraining.cancel(await admin())
            await asyncio.Event().wait()

    parts.trainer.during = look
    parts.trainer.at = RunState.EVALUATING if end == "promoted" else RunState.TRAINING
    parts.trainer.error = TrainerFailed("as the test asked") if end == "failed" else None
    await label(platform, await member(), 3)
    (run,) = await ended()
    assert run.state.value == end.upper()
    assert seen[-1] == {checkpoint_key(run.id, NAME)}
    await eventually(lambda: gone(blobs))


async def gone(blobs: Blobs) -> bool:
    return not await kept(blobs)


async def test_a_holder_who_lost_the_run_leaves_its_checkpoints(platform: Platform, parts: Parts) -> None:
    async def taken_over() -> None:
        await TrainingRun.filter(slot=1).update(fence=7)

    parts.trainer.during = taken_over
    run = await interrupted(fence=0, lease=timedelta(seconds=-1))
    await platform.training.train(RetrainingRequested(run.id))
    assert await kept(platform.images.blobs) == {checkpoint_key(run.id, NAME)}


async def test_a_store_that_refuses_a_checkpoint_fails_no_run(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    put = Blobs.put

    async def refuse(blobs: Blobs, key: str, data: bytes) -> None:
        if key.startswith(CHECKPOINTS):
            raise OSError("503")
        await put(blobs, key, data)

    monkeypatch.setattr(Blobs, "put", refuse)
    with caplog.at_level(logging.WARNING):
        await label(platform, await member(), 3)
        (run,) = await ended()
    assert run.state is RunState.PROMOTED
    assert "could not be kept" in caplog.text


async def test_sweeping_leaves_the_checkpoints_of_a_run_under_way(database: str, tmp_path: Path) -> None:
    blobs = Blobs(f"file://{tmp_path / 'blobs'}")
    sweeping = Sweeping(blobs, tmp_path, DatabaseJournal(), timedelta(days=90))
    await sweeping.sweep_checkpoints()
    run = await interrupted(fence=1, lease=timedelta(seconds=-1))
    own, another = checkpoint_key(run.id, NAME), checkpoint_key(run.id * 10 + 1, NAME)
    for key in (own, another):
        await blobs.put(key, b"1")
    await sweeping.sweep_checkpoints()
    assert await kept(blobs) == {own}
    await TrainingRun.filter(id=run.id).update(slot=None)
    await sweeping.sweep_checkpoints()
    assert not await kept(blobs)
