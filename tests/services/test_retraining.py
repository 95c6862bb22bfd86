"""Retraining: when a run starts, what it takes, how it ends, and who may hold it."""

import asyncio
import json
import logging
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextvars import Context
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from api.settings import Settings
from api.wiring import Parts, running
from events.messages import RetrainingRequested
from ml.splits import in_holdout
from services import attempts, training_set
from services import training as training_module
from services.errors import Code, Forbidden, Refused, Unauthenticated
from services.keys import features_key
from services.platform import Platform
from services.retraining import seconds_left
from services.training import Progress, TrainerFailed
from store.database import open_database
from store.pages import Window
from store.tables import (
    Deployment,
    Finding,
    Image,
    JournalEntry,
    Label,
    ModelState,
    ModelVersion,
    Prediction,
    RunState,
    RunTrigger,
    TrainingRun,
    User,
)
from tests import stand_ins
from tests.people import admin, eventually, member
from tests.stand_ins import ScriptedTrainer, picture, sha256
from tests.uploading import upload
from tests.versions import candidate

THRESHOLD = 3  # of the fixture `settings`


@dataclass
class Hooked(ScriptedTrainer):
    """Lets a test do something while a model is trained, and tells whether it was closed."""

    during: Callable[[], Awaitable[object]] | None = None
    at: RunState = RunState.EVALUATING
    closed: int = 0

    async def train(self, folder: Path) -> AsyncGenerator[Progress]:
        try:
            async for step in super().train(folder):
                yield step
                if self.during and step.state is self.at:
                    await self.during()
        finally:
            self.closed += 1


@pytest.fixture
async def parts(parts: Parts) -> Parts:
    return replace(parts, trainer=Hooked())


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hearts beat fast."""
    monkeypatch.setattr(training_module, "HEARTBEAT_SECONDS", 0.02)


async def label(platform: Platform, by: User, count: int, first: int = 0) -> list[Image]:
    """So many new images with their truth, all of which teach."""
    pictures = [picture(number, 0.3) for number in range(first, first + count)]
    return await upload(platform, by, *pictures, finding=Finding.COVID, patient_ref=patients(False)[0])


def patients(held_out: bool, count: int = 1) -> list[str]:
    """References of patients whose images are held out, or are not."""
    names = (f"patient-{number}" for number in range(1000))
    return [name for name in names if in_holdout(name) is held_out][:count]


async def ended(count: int = 1) -> list[TrainingRun]:
    """All runs, once so many have ended and none is under way."""

    async def all_have() -> list[TrainingRun]:
        runs = await TrainingRun.all().order_by("id")
        return runs if len(runs) >= count and all(run.slot is None for run in runs) else []

    return await eventually(all_have)


async def training() -> TrainingRun:
    """The run under way, once it trains."""
    return await eventually(lambda: TrainingRun.get_or_none(slot=1, state=RunState.TRAINING, epoch__gt=0))


async def refusal(doing: Awaitable[object]) -> Code:
    with pytest.raises(Refused) as refused:
        await doing
    (problem,) = refused.value.problems
    return problem.code


async def interrupted(fence: int, lease: timedelta, lost: int = 0) -> TrainingRun:
    """A run that somebody holds, or held when he died, and of which nobody else has been told."""
    run = await TrainingRun.create(
        slot=1,
        state=RunState.TRAINING,
        trigger=RunTrigger.ADMIN,
        epochs=2,
        fence=fence,
        lost=lost,
        lease_until=datetime.now(UTC) + lease,
    )
    run.label_count = await Label.unclaimed().update(claimed_by_id=run.id)
    await run.save()
    return run


async def states_told(run: TrainingRun) -> list[tuple[str, int]]:
    """What subscribers heard of a run."""
    rows = await JournalEntry.filter(kind="TrainingProgressed").order_by("position")
    payloads = [row.payload for row in rows if row.payload["run_id"] == run.id]
    return [(payload["state"], payload["epoch"]) for payload in payloads]


# ------------------------------------------------------------------ starting


async def test_the_threshold_starts_a_run_that_promotes_and_renews(platform: Platform) -> None:
    ana = await member()
    images = await label(platform, ana, THRESHOLD)
    (run,) = await ended()
    assert (run.state, run.trigger, run.label_count) == (RunState.PROMOTED, RunTrigger.THRESHOLD, THRESHOLD)
    assert run.finished_at is not None
    model = await ModelVersion.get(number=2)
    assert (run.model_id, model.state) == (model.id, ModelState.IN_SERVICE)
    assert (await Deployment.current()).reason == model.verdict
    await eventually(lambda: _is(Prediction.filter(model_id=model.id).count(), len(images)))
    assert platform.diagnosis.inference.serving.model_id == model.id
    old, new = await Prediction.filter(image_id=images[0].id).order_by("id")
    assert (old.finding, new.finding) == (Finding.NO_COVID, Finding.COVID)


async def test_tells_of_every_step(platform: Platform) -> None:
    await label(platform, await member(), THRESHOLD)
    (run,) = await ended()
    expected = [("QUEUED", 0), ("TRAINING", 1), ("TRAINING", 2), ("EVALUATING", 2), ("PROMOTED", 2)]
    assert await eventually(lambda: _is(states_told(run), expected))
    assert (run.epoch, run.loss) == (2, 0.5)


async def _is(asking: Awaitable[object], expected: object) -> bool:
    return await asking == expected


async def test_the_time_left_is_kept_anew_without_telling_of_the_same_epoch_again(
    platform: Platform, parts: Parts
) -> None:
    step = Progress(RunState.TRAINING, 1, 0.5, 90.0)
    steps = [step, replace(step, seconds_left=600.0), Progress(RunState.EVALUATING, 1, 0.5, 300.0)]
    said: list[float | None] = []
    learn = parts.trainer.train

    async def train(folder: Path) -> AsyncGenerator[Progress]:
        for one in steps:
            yield one
            said.append(seconds_left(await TrainingRun.get()))
        assert [step async for step in learn(folder)], "which leaves the outcome"

    parts.trainer.train = train
    await label(platform, await member(), THRESHOLD)
    (run,) = await ended()
    for shown, told in zip(said, (90, 600, 300), strict=True):
        assert shown is not None
        assert told - 60 < shown <= told
    assert seconds_left(run) is None, "once it is judged"
    assert await states_told(run) == [("QUEUED", 0), ("TRAINING", 1), ("EVALUATING", 1), ("PROMOTED", 1)]


async def test_a_run_is_told_what_the_phases_of_the_last_one_took(platform: Platform, parts: Parts) -> None:
    tasks: list[dict[str, object]] = []
    learn = parts.trainer.train

    async def read(folder: Path) -> AsyncGenerator[Progress]:
        tasks.append(json.loads((folder / training_set.TASK_FILE).read_text()))
        async for step in learn(folder):
            yield step

    parts.trainer.train = read
    ana = await member()
    await label(platform, ana, THRESHOLD)
    await ended()
    model = await ModelVersion.get(number=2)
    await ModelVersion.filter(number=2).update(record={**model.record, "pace": {"novelty": 7.5}})
    await label(platform, ana, THRESHOLD, first=10)
    await ended(2)
    assert [task["costs"] for task in tasks] == [None, {"novelty": 7.5}]


async def test_fewer_labels_start_nothing(platform: Platform) -> None:
    ana = await member()
    await label(platform, ana, THRESHOLD - 1)
    await upload(platform, ana, picture(9))
    status = await platform.retraining.status(ana)
    assert (status.new_labels, status.threshold, status.run) == (THRESHOLD - 1, THRESHOLD, None)
    assert not await TrainingRun.exists()


async def test_many_labels_at_once_start_one_run(platform: Platform, parts: Parts) -> None:
    parts.trainer.pause = 60
    ana = await member()
    images = await upload(platform, ana, *(picture(number) for number in range(4)))
    submit = platform.labelling.submit
    await asyncio.gather(*(submit(ana, image.id, Finding.COVID, None) for image in images * 5))
    await eventually(lambda: TrainingRun.exists(state=RunState.TRAINING))
    await asyncio.gather(*(platform.retraining.start_if_due() for _ in range(10)))
    run = await TrainingRun.get()
    assert run.label_count == await Label.filter(claimed_by_id=run.id).count() >= THRESHOLD
    assert (await platform.retraining.status(ana)).new_labels == 20 - run.label_count


async def test_labels_that_come_during_a_run_start_the_next(platform: Platform, parts: Parts) -> None:
    ana = await member()
    more = asyncio.Event()
    parts.trainer.during = more.wait
    await label(platform, ana, THRESHOLD)
    await training_at(RunState.EVALUATING)
    await label(platform, ana, THRESHOLD + 1, first=10)
    more.set()
    first, second = await ended(2)
    assert [first.label_count, second.label_count] == [THRESHOLD, THRESHOLD + 1]
    assert [first.state, second.state] == [RunState.PROMOTED] * 2
    assert await Label.filter(claimed_by_id=first.id).count() == THRESHOLD
    assert (await platform.retraining.status(ana)).new_labels == 0


async def training_at(state: RunState) -> TrainingRun:
    return await eventually(lambda: TrainingRun.get_or_none(slot=1, state=state))


async def test_an_administrator_starts_one_with_a_single_label(platform: Platform) -> None:
    chief = await admin()
    await label(platform, await member(), 1)
    run = await platform.retraining.request(chief)
    assert (run.state, run.trigger, run.requested_by_id) == (RunState.QUEUED, RunTrigger.ADMIN, chief.id)
    (run,) = await ended()
    assert (run.state, run.label_count) == (RunState.PROMOTED, 1)


async def test_refuses_a_run_without_labels_or_beside_another(platform: Platform, parts: Parts) -> None:
    parts.trainer.pause = 60
    chief, ana = await admin(), await member()
    request = platform.retraining.request
    assert await refusal(request(chief)) == Code.NOT_ENOUGH_LABELS
    await label(platform, ana, 1)
    await request(chief)
    await label(platform, ana, 1, first=10)
    assert await refusal(request(chief)) == Code.ALREADY_RUNNING
    with pytest.raises(Forbidden):
        await request(ana)
    with pytest.raises(Unauthenticated):
        await request(None)
    assert await TrainingRun.all().count() == 1
    assert (await platform.retraining.status(ana)).new_labels == 1


async def test_of_requests_at_once_one_is_granted(platform: Platform, parts: Parts) -> None:
    parts.trainer.pause = 60
    chief = await admin()
    await label(platform, await member(), 2)
    requests = (platform.retraining.request(chief) for _ in range(8))
    outcomes = await asyncio.gather(*requests, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes].count(TrainingRun) == 1
    codes = {
        problem.code for outcome in outcomes if isinstance(outcome, Refused) for problem in outcome.problems
    }
    assert codes == {Code.ALREADY_RUNNING}


async def test_requests_at_once_without_labels_are_all_told_why(platform: Platform) -> None:
    chief = await admin()
    requests = (refusal(platform.retraining.request(chief)) for _ in range(8))
    assert set(await asyncio.gather(*requests)) == {Code.NOT_ENOUGH_LABELS}


# ------------------------------------------------------------------ ending


async def test_what_passes_on_too_small_a_holdout_awaits_an_administrator(
    platform: Platform, parts: Parts
) -> None:
    parts.trainer.awaits = True
    await label(platform, await member(), THRESHOLD)
    (run,) = await ended()
    first, second = await ModelVersion.all().order_by("number")
    assert (run.state, run.model_id) == (RunState.AWAITING, second.id)
    assert (first.state, second.state) == (ModelState.IN_SERVICE, ModelState.CANDIDATE)
    assert await Label.unclaimed().count() == 0
    assert await eventually(lambda: _is(_last_told(run), ("AWAITING", 2)))
    await platform.models.promote(await admin(), second.id, "I have looked at its findings.")
    assert (await platform.models.in_service()).id == second.id


async def test_what_awaits_is_void_where_another_model_came_meanwhile(
    platform: Platform, parts: Parts
) -> None:
    other, chief = await candidate(platform, "0.9"), await admin()
    parts.trainer.awaits = True
    parts.trainer.during = lambda: platform.models.promote(chief, other.id, "by hand")
    await label(platform, await member(), THRESHOLD)
    (run,) = await ended()
    assert run.state is RunState.REJECTED


async def test_the_gate_has_the_margins_of_the_policy(platform: Platform, parts: Parts) -> None:
    tasks: list[dict[str, object]] = []
    learn = parts.trainer.train

    async def read(folder: Path) -> AsyncGenerator[Progress]:
        tasks.append(json.loads((folder / training_set.TASK_FILE).read_text()))
        async for step in learn(folder):
            yield step

    parts.trainer.train = read
    await platform.retraining.policies.change(await admin(), {"auc_margin": 0.07})
    await label(platform, await member(), THRESHOLD)
    await ended()
    assert tasks[0]["margins"] == {"sensitivity": 0.1, "specificity": 0.05, "auc": 0.07}


async def test_a_rejected_candidate_leaves_the_incumbent_in_service(platform: Platform, parts: Parts) -> None:
    parts.trainer.promote = False
    await label(platform, await member(), THRESHOLD)
    (run,) = await ended()
    first, second = await ModelVersion.all().order_by("number")
    assert (run.state, run.model_id) == (RunState.REJECTED, second.id)
    assert (first.state, second.state) == (ModelState.IN_SERVICE, ModelState.REJECTED)
    assert second.verdict == "Rejected: as the test asked."
    assert platform.diagnosis.inference.serving.model_id == first.id
    assert await Deployment.all().count() == 1
    assert await Label.unclaimed().count() == 0


async def test_tells_what_it_leaves_out_with_the_run_its_events_and_its_model(
    platform: Platform, parts: Parts
) -> None:
    ana, ben = await member(), await member("ben@hospital.example")
    images = await label(platform, ana, THRESHOLD - 2)
    await Label.create(image=images[0], finding=Finding.NO_COVID, submitted_by=ben)
    await label(platform, ana, 1, first=10)
    (run,) = await ended()
    assert run.left_out == {"IN_CONFLICT": 1}
    model = await ModelVersion.get(id=run.model_id)
    assert model.record["left_out"] == {"IN_CONFLICT": 1}
    rows = await JournalEntry.filter(kind="TrainingProgressed").order_by("position")
    assert [row.payload["left_out"] for row in rows] == [None, *[{"IN_CONFLICT": 1}] * 4]


async def test_features_that_are_gone_are_told_as_left_out(platform: Platform, parts: Parts) -> None:
    images = await label(platform, await member(), THRESHOLD - 1)
    extractor = platform.models.inference.extractor.name
    await platform.training.blobs.delete([features_key(extractor, images[0].key)])
    await platform.retraining.request(await admin())
    (run,) = await ended()
    assert run.left_out == {"UNREADABLE": 1}


async def test_keeps_what_each_model_learnt_from(platform: Platform) -> None:
    ana = await member()
    await label(platform, ana, THRESHOLD)
    await ended()
    found = await platform.labelling.used_in([entry.id for entry in await Label.all()])
    assert [[model.number for model in models] for models in found.values()] == [[2]] * THRESHOLD


async def test_a_failed_run_tells_the_trainers_log_and_sets_its_labels_free(
    platform: Platform, parts: Parts
) -> None:
    parts.trainer.error = TrainerFailed("ended with status 1:\nMemoryError: é")
    ana = await member()
    await label(platform, ana, THRESHOLD)
    (run,) = await ended()
    assert run.state is RunState.FAILED
    assert "MemoryError: é" in str(run.error)
    assert (await platform.retraining.status(ana)).new_labels == THRESHOLD
    assert await eventually(lambda: _is(_last_told(run), ("FAILED", 2)))
    assert await ModelVersion.all().count() == 1


async def _last_told(run: TrainingRun) -> tuple[str, int]:
    return (await states_told(run))[-1]


async def test_after_a_failure_the_next_label_starts_the_next_run_and_nothing_else_does(
    platform: Platform, parts: Parts
) -> None:
    parts.trainer.error = TrainerFailed("broken")
    ana = await member()
    await label(platform, ana, THRESHOLD)
    await ended()
    await asyncio.sleep(0.2)
    assert await TrainingRun.all().count() == 1
    parts.trainer.error = None
    await label(platform, ana, 1, first=10)
    _, second = await ended(2)
    assert (second.state, second.label_count) == (RunState.PROMOTED, THRESHOLD + 1)


@pytest.mark.usefixtures("quick")
async def test_cancelling_stops_the_trainer_and_sets_the_labels_free(
    platform: Platform, parts: Parts
) -> None:
    parts.trainer.pause = 0.01
    parts.trainer.during = asyncio.Event().wait
    ana, chief = await member(), await admin()
    await label(platform, ana, THRESHOLD)
    await training_at(RunState.EVALUATING)
    run = await platform.retraining.cancel(chief)
    assert (run.state, run.slot, run.error) == (RunState.CANCELLED, None, "cancelled by an administrator")
    await eventually(lambda: asyncio.sleep(0, parts.trainer.closed), seconds=2)
    assert (await platform.retraining.status(ana)).new_labels == THRESHOLD
    await asyncio.sleep(0.1)
    assert await TrainingRun.all().count() == 1
    assert await ModelVersion.all().count() == 1
    assert await refusal(platform.retraining.cancel(chief)) == Code.NOT_FOUND
    with pytest.raises(Forbidden):
        await platform.retraining.cancel(ana)


def test_a_cancelled_trainer_has_stopped_after_two_seconds() -> None:
    assert training_module.HEARTBEAT_SECONDS < 1.5
    assert timedelta(seconds=5 * training_module.HEARTBEAT_SECONDS) < training_module.LEASE


async def test_a_run_can_be_cancelled_while_it_changes_hands(
    platform: Platform, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts.trainer.pause = 60
    await label(platform, await member(), THRESHOLD)
    await eventually(lambda: TrainingRun.exists(fence=1))
    seen_before = await TrainingRun.get()
    seen_before.fence = 0
    active = TrainingRun.active
    answers = iter([asyncio.sleep(0, seen_before)])
    monkeypatch.setattr(TrainingRun, "active", lambda: next(answers, None) or active())
    assert (await platform.retraining.cancel(await admin())).state is RunState.CANCELLED


async def test_a_candidate_that_does_not_load_fails_its_run(platform: Platform, parts: Parts) -> None:
    parts.trainer.threshold = "no head"
    await label(platform, await member(), THRESHOLD)
    (run,) = await ended()
    assert run.state is RunState.FAILED
    assert "no head" in str(run.error)
    first = await ModelVersion.get()
    assert platform.diagnosis.inference.serving.model_id == first.id


async def test_a_model_promoted_by_hand_meanwhile_stays(platform: Platform, parts: Parts) -> None:
    other, chief = await candidate(platform, "0.9"), await admin()
    parts.trainer.during = lambda: platform.models.promote(chief, other.id, "by hand")
    await label(platform, await member(), THRESHOLD)
    (run,) = await ended()
    trained = await ModelVersion.get(id=run.model_id)
    assert (run.state, trained.state) == (RunState.REJECTED, ModelState.REJECTED)
    assert "another model" in str(trained.verdict)
    assert (await platform.models.in_service()).id == other.id


async def test_an_image_deleted_while_it_teaches_spoils_nothing(platform: Platform, parts: Parts) -> None:
    ana = await member()
    images = await label(platform, ana, THRESHOLD - 1)
    parts.trainer.during = lambda: platform.images.delete(ana, images[0].id)
    await label(platform, ana, 1, first=10)
    (run,) = await ended()
    assert run.state is RunState.PROMOTED
    used = await (await ModelVersion.get(id=run.model_id)).labels.all()
    assert images[0].id not in {entry.image_id for entry in used}


@pytest.mark.parametrize("database_url", ["mysql"], indirect=True)  # SQLite: one transaction at a time
async def test_an_image_deleted_at_the_moment_of_the_verdict_spoils_nothing(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = await member()
    images = await label(platform, ana, THRESHOLD - 1)
    create = training_module.create

    async def just_then(*new: object) -> ModelVersion:
        model = await create(*new)
        deleting = platform.images.delete(ana, images[0].id)
        await asyncio.create_task(deleting, context=Context())  # beside the transaction under way
        return model

    monkeypatch.setattr(training_module, "create", just_then)
    await label(platform, ana, 1, first=10)
    (run,) = await ended()
    assert run.state is RunState.PROMOTED, run.error


async def test_leaves_no_scratch_behind(platform: Platform, settings: Settings) -> None:
    await label(platform, await member(), THRESHOLD)
    await ended()
    await eventually(lambda: asyncio.sleep(0, not list((settings.data_dir / "scratch").iterdir())))


# ------------------------------------------------------------------ holding


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


async def reset(settings: Settings) -> None:
    """No epoch is done, so that the next attempt is known by its first."""
    async with open_database(settings.database):
        await TrainingRun.all().update(epoch=0)


async def test_no_two_holders_share_a_fence(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases that have run out before they are given: everybody may take the run at every moment."""
    monkeypatch.setattr(training_module, "LEASE", timedelta(seconds=-1))
    monkeypatch.setattr(training_module, "MAX_LOSSES", 100)
    run = await interrupted(fence=0, lease=timedelta(seconds=-1))
    taken = await asyncio.gather(*(platform.training._take(run.id) for _ in range(20)))
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


# ------------------------------------------------------------------ what is laid out


def laid_out(parts: Parts) -> dict[str, bool]:
    """The last run's images by SHA-256, and whether each was held out."""
    folder = parts.trainer.folders[-1]
    return dict(zip(folder["sha256"].tolist(), folder["holdout"].tolist(), strict=True))


async def test_lays_out_every_labelled_image_and_none_else(platform: Platform, parts: Parts) -> None:
    ana, chief = await member(), await admin()
    (taught,) = await upload(platform, ana, picture(1), finding=Finding.COVID, patient_ref=patients(False)[0])
    (held,) = await upload(platform, ana, picture(2), finding=Finding.NO_COVID, patient_ref=patients(True)[0])
    await upload(platform, ana, picture(3))
    await platform.retraining.request(chief)
    await ended()
    assert laid_out(parts) == {taught.sha256: False, held.sha256: True}
    folder = parts.trainer.folders[-1]
    assert folder["covid"].tolist() == [True, False]
    assert folder["group"].tolist() == [taught.patient_ref, held.patient_ref]
    used = await (await ModelVersion.get(number=2)).labels.all()
    assert [entry.image_id for entry in used] == [taught.id]


async def test_the_label_that_counts_is_what_is_learnt(platform: Platform, parts: Parts) -> None:
    ana, chief = await member(), await admin()
    (image,) = await upload(platform, ana, picture(1), finding=Finding.COVID)
    await platform.labelling.submit(chief, image.id, Finding.NO_COVID, None)
    await platform.retraining.request(chief)
    await ended()
    assert parts.trainer.folders[-1]["covid"].tolist() == [False]


async def test_images_of_one_patient_never_straddle_training_and_holdout(
    platform: Platform, parts: Parts
) -> None:
    """Whichever way they came together: by a reference given later, or by a file that two people have."""
    ana, eva, chief = await member(), await member("eva@h.example"), await admin()
    (held_ref,), (first, second, third) = patients(True), patients(False, 3)
    await upload(platform, ana, picture(1), finding=Finding.COVID, patient_ref=held_ref)
    (moved,) = await Image.all()
    await platform.images.update(ana, moved.id, first)
    await upload(platform, ana, picture(2), finding=Finding.COVID, patient_ref=first)
    await upload(platform, eva, picture(2), finding=Finding.COVID, patient_ref=second)
    await upload(platform, eva, picture(3), finding=Finding.COVID, patient_ref=second)
    await upload(platform, eva, picture(4), finding=Finding.COVID, patient_ref=third)
    await eventually(lambda: _is(TrainingRun.active(), None))
    await TrainingRun.all().delete()
    await platform.retraining.request(chief)
    await ended()
    shas = {number: sha256(picture(number)) for number in (1, 2, 3, 4)}
    assert laid_out(parts) == {shas[1]: True, shas[2]: True, shas[3]: True, shas[4]: False}
    used = await (await ModelVersion.all().order_by("-number").first()).labels.all()
    assert {(await entry.image).sha256 for entry in used} == {shas[4]}


async def test_images_whose_features_are_gone_teach_nothing(platform: Platform, parts: Parts) -> None:
    parts.trainer.promote = False  # a promotion would extract them again
    ana, chief = await member(), await admin()
    lost, damaged, kept = await label(platform, ana, THRESHOLD - 1) + await label(platform, ana, 1, first=10)
    await ended()
    blobs = platform.training.blobs
    for image, damage in ((lost, None), (damaged, b"damaged")):
        key = f"features/pixels/test/{image.key}"
        await blobs.delete([key])
        if damage:
            await blobs.put(key, damage)
    await label(platform, ana, 1, first=20)
    await platform.retraining.request(chief)
    await ended(2)
    assert set(laid_out(parts)) >= {kept.sha256}
    assert not set(laid_out(parts)) & {lost.sha256, damaged.sha256}


# ------------------------------------------------------------------ who may see


async def test_administrators_see_the_runs_and_members_the_status(platform: Platform, parts: Parts) -> None:
    parts.trainer.promote = False
    ana, chief = await member(), await admin()
    await label(platform, ana, THRESHOLD)
    (run,) = await ended()
    assert [row.id for row in (await platform.retraining.page(chief, Window(9))).rows] == [run.id]
    with pytest.raises(Forbidden):
        await platform.retraining.page(ana, Window(9))
    with pytest.raises(Unauthenticated):
        await platform.retraining.status(None)


async def test_waits_for_the_features_of_what_it_claimed(
    platform: Platform, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    extracting = asyncio.Event()
    extract = platform.diagnosis.inference.features

    async def slowly(image: np.ndarray) -> np.ndarray:
        await extracting.wait()
        return await extract(image)

    monkeypatch.setattr(platform.diagnosis.inference, "features", slowly)
    pictures = [picture(number, 0.3) for number in range(THRESHOLD)]
    truth = {"finding": Finding.COVID, "patient_ref": patients(False)[0]}
    await upload(platform, await member(), *pictures, wait=0, **truth)
    await eventually(lambda: TrainingRun.filter(state=RunState.TRAINING).exists())
    assert parts.trainer.folders == []
    extracting.set()
    await ended()
    assert len(parts.trainer.folders[0]["covid"]) == THRESHOLD
