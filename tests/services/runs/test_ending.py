"""Training runs: how they end, with a verdict or without."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextvars import Context
from datetime import timedelta
from pathlib import Path

import pytest

from api.settings import Settings
from api.wiring import Parts
from services import training as training_module
from services import training_set
from services.errors import Code, Forbidden
from services.keys import features_key
from services.platform import Platform
from services.training import Progress, TrainerFailed
from store.tables import (
    Deployment,
    Finding,
    JournalEntry,
    Label,
    ModelState,
    ModelVersion,
    RunState,
    TrainingRun,
)
from tests.people import admin, eventually, member
from tests.runs import (
    THRESHOLD,
    ended,
    label,
    last_told,
    refusal,
    same,
    training_at,
)
from tests.versions import candidate


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
    assert await eventually(lambda: same(last_told(run), ("AWAITING", 2)))
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

    async def told() -> list[dict[str, int] | None]:
        rows = await JournalEntry.filter(kind="TrainingProgressed").order_by("position")
        return [row.payload["left_out"] for row in rows]

    assert await eventually(lambda: same(told(), [None, *[{"IN_CONFLICT": 1}] * 4]))


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
    assert await eventually(lambda: same(last_told(run), ("FAILED", 2)))
    assert await ModelVersion.all().count() == 1


async def test_a_trainer_may_be_silent_for_as_long_as_it_said_and_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_module, "SILENT_SECONDS", 0.01)

    async def slow(*said: Progress | None) -> AsyncGenerator[Progress | None]:
        for step in said:
            yield step
            await asyncio.sleep(0.1)

    lasting, last = (
        Progress(RunState.TRAINING, 1, 0.5, seconds_left=10.0),
        Progress(RunState.TRAINING, 2, 0.5),
    )
    told = training_module._told(slow(lasting, None, last, lasting), tmp_path)
    assert [await anext(told), await anext(told)] == [lasting, last]
    with pytest.raises(TrainerFailed, match="reported nothing"):
        await anext(told)


async def test_a_trainer_that_is_kept_waiting_by_others_does_not_hang(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_module, "SILENT_SECONDS", 0.2)

    async def hungry() -> AsyncGenerator[Progress | None]:
        for _ in range(10):
            await asyncio.sleep(0.05)
            yield None
        yield Progress(RunState.TRAINING, 1, 0.5)

    assert [step async for step in training_module._told(hungry(), tmp_path)] == [
        Progress(RunState.TRAINING, 1, 0.5)
    ]


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


@pytest.mark.parametrize("database_url", ["mysql"], indirect=True)  # SQLite: one transaction at a time
async def test_a_model_promoted_by_hand_at_the_moment_of_the_verdict_stays(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    others, chief = [await candidate(platform, "0.9")], await admin()
    deploy = training_module.deploy

    async def just_then(*decision: object) -> None:
        if others:
            promoting = platform.models.promote(chief, others.pop().id, "by hand")
            await asyncio.create_task(promoting, context=Context())  # beside the transaction under way
        await deploy(*decision)

    monkeypatch.setattr(training_module, "deploy", just_then)
    await label(platform, await member(), THRESHOLD)
    (run,) = await ended()
    assert (run.state, run.error) == (RunState.REJECTED, None)
    trained = await ModelVersion.get(id=run.model_id)
    assert "another model" in str(trained.verdict)


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
