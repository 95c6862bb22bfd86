"""Training runs: when one starts, and what subscribers hear of it."""

import asyncio
import json
import math
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from api.wiring import Parts
from services import lookups, training_set
from services.errors import Code, Forbidden, Refused, Unauthenticated
from services.platform import Platform
from services.retraining import seconds_left
from services.training import Progress
from store.pages import Window
from store.tables import (
    Finding,
    Label,
    ModelState,
    ModelVersion,
    Prediction,
    RunState,
    RunTrigger,
    TrainingRun,
)
from tests.people import admin, eventually, member
from tests.runs import (
    THRESHOLD,
    ended,
    label,
    refusal,
    same,
    states_told,
    training_at,
)
from tests.stand_ins import picture
from tests.uploading import upload


async def test_the_threshold_starts_a_run_that_promotes_and_renews(platform: Platform) -> None:
    ana = await member()
    images = await label(platform, ana, THRESHOLD)
    (run,) = await ended()
    assert (run.state, run.trigger, run.label_count) == (RunState.PROMOTED, RunTrigger.THRESHOLD, THRESHOLD)
    assert run.finished_at is not None
    model = await ModelVersion.get(number=2)
    assert (run.model_id, model.state) == (model.id, ModelState.IN_SERVICE)
    assert (await lookups.deployment()).reason == model.verdict
    await eventually(lambda: same(Prediction.filter(model_id=model.id).count(), len(images)))
    assert platform.diagnosis.inference.serving.model_id == model.id
    old, new = await Prediction.filter(image_id=images[0].id).order_by("id")
    assert (old.finding, new.finding) == (Finding.NO_COVID, Finding.COVID)


async def test_tells_of_every_step(platform: Platform) -> None:
    await label(platform, await member(), THRESHOLD)
    (run,) = await ended()
    expected = [("QUEUED", 0), ("TRAINING", 1), ("TRAINING", 2), ("EVALUATING", 2), ("PROMOTED", 2)]
    assert await eventually(lambda: same(states_told(run), expected))
    assert (run.epoch, run.loss, run.losses) == (2, 0.5, [1.0, 0.5])


async def test_the_curve_has_a_loss_for_each_epoch_and_a_gap_where_it_diverged(
    platform: Platform, parts: Parts
) -> None:
    steps = [Progress(RunState.TRAINING, epoch, loss) for epoch, loss in ((1, 0.9), (2, math.nan), (3, 0.4))]
    learn = parts.trainer.train

    async def train(folder: Path) -> AsyncGenerator[Progress]:
        for one in (*steps, replace(steps[-1], seconds_left=9.0), Progress(RunState.EVALUATING, 3, 0.4)):
            yield one
        assert [step async for step in learn(folder)], "which leaves the outcome"

    parts.trainer.train = train
    await label(platform, await member(), THRESHOLD)
    (run,) = await ended()
    assert run.losses == [0.9, None, 0.4]


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
    expected = [("QUEUED", 0), ("TRAINING", 1), ("EVALUATING", 1), ("PROMOTED", 1)]
    assert await eventually(lambda: same(states_told(run), expected))


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
