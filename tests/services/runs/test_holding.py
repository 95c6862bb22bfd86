"""Training runs: who may hold one, who takes it over, and when it is given up."""

import asyncio
import logging
import os
import time
from datetime import timedelta

import pytest
from tortoise.exceptions import OperationalError
from tortoise.queryset import QuerySet

from api.settings import Settings
from api.wiring import Parts, running
from events.messages import RetrainingRequested
from services import attempts, training_set
from services import training as training_module
from services.platform import Platform
from services.training import TrainerFailed
from store.database import open_database
from store.tables import (
    Deployment,
    Label,
    ModelVersion,
    RunState,
    TrainingRun,
)
from tests import stand_ins
from tests.people import eventually, member
from tests.runs import (
    THRESHOLD,
    Hooked,
    ended,
    interrupted,
    label,
    training,
    training_at,
)


@pytest.mark.usefixtures("quick")
async def test_a_repeated_request_does_its_work_once(platform: Platform) -> None:
    await label(platform, await member(), THRESHOLD)
    (run,) = await ended()
    await platform.training.train(RetrainingRequested(run.id))
    await platform.training.train(RetrainingRequested(10**9))
    again = await TrainingRun.get()
    assert (again.fence, again.state) == (1, RunState.PROMOTED)
    assert await ModelVersion.all().count() == 2


@pytest.mark.usefixtures("quick")
async def test_a_run_whose_holder_died_is_taken_over_when_the_lease_has_run_out(platform: Platform) -> None:
    await label(platform, await member(), 2)
    run = await interrupted(fence=1, lease=timedelta(seconds=0.5))
    taking = asyncio.create_task(platform.training.train(RetrainingRequested(run.id)))
    await asyncio.sleep(0.1)
    assert (await TrainingRun.get()).fence == 1
    await taking
    taken = await TrainingRun.get()
    assert (taken.fence, taken.state) == (2, RunState.PROMOTED)


@pytest.mark.usefixtures("quick")
async def test_a_heart_that_beats_keeps_the_lease(
    platform: Platform, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_module, "LEASE", timedelta(seconds=0.3))
    release = asyncio.Event()
    parts.trainer.during = release.wait
    await label(platform, await member(), THRESHOLD)
    run = await training_at(RunState.EVALUATING)
    second = asyncio.create_task(platform.training.train(RetrainingRequested(run.id)))
    await asyncio.sleep(0.5)
    assert (await TrainingRun.get()).fence == 1
    release.set()
    await second
    assert (await TrainingRun.get()).state is RunState.PROMOTED
    assert len(parts.trainer.folders) == 1


@pytest.mark.parametrize(("at", "epoch"), [(RunState.TRAINING, 1), (RunState.EVALUATING, 2)])
async def test_a_stale_holder_changes_nothing(
    platform: Platform, parts: Parts, at: RunState, epoch: int
) -> None:
    """Somebody took the run over while this one slept: no progress, no model, no promotion, no end."""

    async def taken_over() -> None:
        await TrainingRun.filter(slot=1).update(fence=7)

    parts.trainer.during, parts.trainer.at = taken_over, at
    await label(platform, await member(), 2)
    run = await interrupted(fence=0, lease=timedelta(seconds=-1))
    await platform.training.train(RetrainingRequested(run.id))
    left = await TrainingRun.get()
    assert (left.fence, left.slot, left.state, left.epoch) == (7, 1, at, epoch)
    assert await ModelVersion.all().count() == await Deployment.all().count() == 1
    assert await Label.filter(claimed_by_id=run.id).count() == 2


async def test_the_failure_of_a_stale_holder_does_not_end_the_run(platform: Platform, parts: Parts) -> None:
    async def taken_over() -> None:
        await TrainingRun.filter(slot=1).update(fence=7)
        raise TrainerFailed("too late")

    parts.trainer.during = taken_over
    await label(platform, await member(), 2)
    run = await interrupted(fence=0, lease=timedelta(seconds=-1))
    await platform.training.train(RetrainingRequested(run.id))
    assert (await TrainingRun.get()).slot == 1
    assert await Label.filter(claimed_by_id=run.id).count() == 2


async def test_a_run_is_taken_over_so_often_and_no_oftener(platform: Platform, parts: Parts) -> None:
    ana = await member()
    await label(platform, ana, 2)
    before = training_module.MAX_LOSSES - 1
    run = await interrupted(fence=9, lease=timedelta(seconds=-1), lost=before)
    await platform.training.train(RetrainingRequested(run.id))
    given_up = await TrainingRun.get()
    assert (given_up.state, given_up.slot) == (RunState.FAILED, None)
    assert f"died or hung {before + 1} times" in str(given_up.error)
    assert "no log" in str(given_up.error)
    assert (await platform.retraining.status(ana)).new_labels == 2
    assert not parts.trainer.folders


@pytest.mark.usefixtures("quick")
async def test_a_run_that_is_given_up_tells_the_last_lines_of_its_log(
    platform: Platform, settings: Settings
) -> None:
    """Of the latest attempt that wrote any; what else attempts left has gone."""
    run = await interrupted(fence=1, lease=timedelta(seconds=-1), lost=training_module.MAX_LOSSES - 1)
    scratch = settings.data_dir / "scratch"
    for age, (name, log) in enumerate({"silent": "", "last": "epoch 7\n", "first": "epoch 2\n"}.items()):
        folder = scratch / f"run-{run.id}-{name}"
        folder.mkdir(parents=True)
        (folder / attempts.LOG_FILE).write_text(log)
        os.utime(folder, (time.time() - age,) * 2)
    await platform.training.train(RetrainingRequested(run.id))
    assert str((await TrainingRun.get()).error).splitlines()[1:] == ["epoch 7"]


@pytest.mark.usefixtures("quick")
async def test_another_attempt_makes_room_and_leaves_the_log(platform: Platform, settings: Settings) -> None:
    await label(platform, await member(), 2)
    run = await interrupted(fence=1, lease=timedelta(seconds=-1))
    folder = settings.data_dir / "scratch" / f"run-{run.id}-dead"
    folder.mkdir(parents=True)
    for name in (attempts.LOG_FILE, training_set.FEATURES_FILE):
        (folder / name).touch()
    await platform.training.train(RetrainingRequested(run.id))
    assert (await TrainingRun.get()).state is RunState.PROMOTED
    assert [file.name for file in folder.iterdir()] == [attempts.LOG_FILE]


@pytest.mark.usefixtures("quick")
async def test_a_server_that_is_stopped_gives_its_run_back(settings: Settings) -> None:
    """Oftener than servers may be lost; the one after them all takes it at once, and carries it through."""
    stopped = training_module.MAX_LOSSES + 1
    trainer = Hooked(during=asyncio.Event().wait, at=RunState.TRAINING)
    for attempt in range(1, stopped + 1):
        async with running(settings, stand_ins.parts(trainer=trainer)) as platform:
            if attempt == 1:
                await label(platform, await member(), THRESHOLD)
            await training()
        assert trainer.closed == attempt
        async with open_database(settings.database):
            run = await TrainingRun.get()
        assert (run.slot, run.lost, run.lease_until) == (1, 0, None)
        await reset(settings)
    async with running(settings, stand_ins.parts(trainer=Hooked())):
        (run,) = await ended()
    assert (run.state, run.lost) == (RunState.PROMOTED, 0)


@pytest.mark.usefixtures("quick")
async def test_a_server_stops_where_the_database_is_away_too(
    platform: Platform, parts: Parts, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The lease is left to run out; else the stop would be taken for a failed attempt, and tried again."""
    parts.trainer.during, parts.trainer.at = asyncio.Event().wait, RunState.TRAINING
    await label(platform, await member(), 1)
    run = await interrupted(fence=1, lease=timedelta(seconds=-1))
    carrying = asyncio.create_task(platform.training.train(RetrainingRequested(run.id)))
    await training()

    def away(*_: object) -> QuerySet[TrainingRun]:
        raise OperationalError("the database is away")

    with monkeypatch.context() as patching:
        patching.setattr(TrainingRun, "held", away)
        carrying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await carrying
    assert "not given back" in caplog.text
    assert (await TrainingRun.get()).slot == 1


@pytest.mark.usefixtures("quick")
async def test_a_database_that_is_away_for_a_moment_ends_no_run(
    platform: Platform, parts: Parts, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    waiting = asyncio.Event()
    parts.trainer.during, parts.trainer.at = waiting.wait, RunState.TRAINING
    await label(platform, await member(), THRESHOLD)
    await training()

    def away(*_: object) -> QuerySet[TrainingRun]:
        raise OperationalError("the database is away")

    async def noticed() -> bool:
        return "the database is away" in caplog.text

    with monkeypatch.context() as patching:
        patching.setattr(TrainingRun, "held", away)
        assert await eventually(noticed)
    waiting.set()
    (run,) = await ended()
    assert (run.state, run.fence) == (RunState.PROMOTED, 1)


async def reset(settings: Settings) -> None:
    """No epoch is done, so that the next attempt is known by its first."""
    async with open_database(settings.database):
        await TrainingRun.all().update(epoch=0)


async def test_no_two_holders_share_a_fence(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases that have run out before they are given: everybody may take the run at every moment."""
    monkeypatch.setattr(training_module, "LEASE", timedelta(seconds=-1))
    monkeypatch.setattr(training_module, "MAX_LOSSES", 100)
    run = await interrupted(fence=0, lease=timedelta(seconds=-1))
    taken = await asyncio.gather(*(platform.training._take(run.id, []) for _ in range(20)))
    assert sorted(holder.fence for holder in taken if holder) == list(range(1, 21))


async def test_a_run_that_has_ended_is_not_lost_to_its_own_heart(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(training_module, "HEARTBEAT_SECONDS", 0)
    refresh = platform.models.refresh

    async def slow(self: object) -> bool:
        await asyncio.sleep(0.1)
        return await refresh()

    with caplog.at_level(logging.INFO, training_module.__name__):
        monkeypatch.setattr(type(platform.models), "refresh", slow)
        await label(platform, await member(), THRESHOLD)
        (run,) = await ended()
        await asyncio.sleep(0.3)
    assert run.state is RunState.PROMOTED
    assert "stopped" not in caplog.text
