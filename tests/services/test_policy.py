"""The policy of retraining: who sets it, what it refuses, and what runs make of it."""

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta

import pytest

from api.wiring import Parts
from ml.gate import Margins
from services import retraining as retraining_module
from services.errors import Code, Forbidden, Refused, Unauthenticated
from services.platform import Platform
from services.policy import Policy
from store.pages import Window
from store.tables import Finding, Label, RunState, RunTrigger, TrainingRun, User
from tests.people import admin, eventually, member
from tests.store_rows import image

THRESHOLD = 3  # of the fixture `settings`


async def labels(owner: User, finding: Finding, count: int) -> None:
    """Labels that nobody is told of: no event follows them."""
    for number in range(count):
        row = await image(owner, f"{finding}-{number}-{datetime.now(UTC)}.png")
        await Label.create(image=row, finding=finding, submitted_by=owner)


async def refused(doing: Awaitable[object]) -> list[tuple[Code, str | None]]:
    with pytest.raises(Refused) as error:
        await doing
    return [(problem.code, problem.field) for problem in error.value.problems]


async def test_the_setting_counts_until_an_administrator_sets_another(platform: Platform) -> None:
    policies, chief = platform.retraining.policies, await admin()
    assert await policies.read(chief) == (Policy(THRESHOLD), None)
    assert (await policies.in_force()).margins == Margins()
    row = await policies.change(chief, {"threshold": 7, "auc_margin": 0.05})
    assert await policies.read(chief) == (Policy(7, auc_margin=0.05), row)
    assert (await platform.retraining.status(chief)).threshold == 7


async def test_what_is_not_named_stays_and_every_change_is_kept(platform: Platform) -> None:
    policies, chief, other = platform.retraining.policies, await admin(), await admin("eva@hospital.example")
    await policies.change(chief, {"threshold": 7})
    await policies.change(other, {"share_per_user": 0.25})
    assert await policies.in_force() == Policy(7, share_per_user=0.25)
    rows = (await policies.page(chief, Window(9))).rows
    assert [(row.number, row.changed_by_id, row.threshold) for row in rows] == [
        (2, other.id, 7),
        (1, chief.id, 7),
    ]


async def test_refuses_all_that_is_wrong_at_once(platform: Platform) -> None:
    chief, change = await admin(), platform.retraining.policies.change
    wrong = {"threshold": 0, "minutes_between": -1, "labels_per_class": -1, "share_per_user": 1.01}
    wrong |= {"sensitivity_margin": 0.0, "specificity_margin": 0.6, "auc_margin": float("nan")}
    names = ["threshold", "minutesBetween", "labelsPerClass"]
    names += ["sensitivityMargin", "specificityMargin", "aucMargin", "sharePerUser"]
    assert await refused(change(chief, wrong)) == [(Code.INVALID, name) for name in names]
    assert await refused(change(chief, {})) == [(Code.REQUIRED, None)]
    with pytest.raises(Forbidden):
        await change(await member(), {"threshold": 5})
    with pytest.raises(Unauthenticated):
        await platform.retraining.policies.read(None)
    assert await platform.retraining.policies.in_force() == Policy(THRESHOLD)


async def test_of_changes_at_once_none_undoes_another_unseen(platform: Platform) -> None:
    chief, change = await admin(), platform.retraining.policies.change
    wanted = [{"threshold": 9}, {"labels_per_class": 2}, {"share_per_user": 0.5}]
    outcomes = await asyncio.gather(*(change(chief, one) for one in wanted), return_exceptions=True)
    made = [one for one, outcome in zip(wanted, outcomes, strict=True) if not isinstance(outcome, Refused)]
    policy = await platform.retraining.policies.in_force()
    assert made
    for one in made:
        for name, value in one.items():
            assert getattr(policy, name) == value


# ------------------------------------------------------------------ what runs make of it


async def test_automatic_and_requested_runs_at_once_are_one_run(platform: Platform, parts: Parts) -> None:
    parts.trainer.pause = 60
    chief, retraining = await admin(), platform.retraining
    await labels(chief, Finding.COVID, THRESHOLD)
    starts = [retraining.start_if_due() for _ in range(6)] + [retraining.request(chief) for _ in range(6)]
    outcomes = await asyncio.gather(*starts, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes].count(TrainingRun) == 1
    refusals = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert {type(outcome) for outcome in refusals} <= {Refused}
    run = await TrainingRun.get()
    assert await Label.filter(claimed_by_id=run.id).count() == run.label_count == THRESHOLD


async def test_a_run_waits_for_labels_of_each_class_and_says_so(platform: Platform, parts: Parts) -> None:
    parts.trainer.pause = 60
    chief, retraining = await admin(), platform.retraining
    await retraining.policies.change(chief, {"labels_per_class": 2})
    await labels(chief, Finding.COVID, THRESHOLD)
    await labels(chief, Finding.NO_COVID, 1)
    told = "There are 3 new labels of COVID and 1 of no COVID, and a run needs 2 of each."
    assert (await retraining.status(chief)).waits_for == told
    assert await retraining.start_if_due() is None
    with pytest.raises(Refused, match=told) as error:
        await retraining.request(chief)
    assert error.value.problems[0].code == Code.NOT_ENOUGH_LABELS
    assert await Label.unclaimed().count() == 4
    await labels(chief, Finding.NO_COVID, 1)
    assert (await retraining.status(chief)).waits_for is None
    assert await retraining.start_if_due() is not None


async def test_between_automatic_runs_there_is_time(platform: Platform, parts: Parts) -> None:
    parts.trainer.pause = 60
    chief, retraining = await admin(), platform.retraining
    await retraining.policies.change(chief, {"minutes_between": 10})
    last = await TrainingRun.create(trigger=RunTrigger.THRESHOLD, epochs=1, state=RunState.REJECTED)
    await labels(chief, Finding.COVID, THRESHOLD)
    assert await retraining.start_if_due() is None
    assert "at least 10 minutes" in str((await retraining.status(chief)).waits_for)
    await TrainingRun.filter(id=last.id).update(queued_at=datetime.now(UTC) - timedelta(minutes=10))
    assert await retraining.start_if_due() is not None


async def test_an_administrator_need_not_wait(platform: Platform, parts: Parts) -> None:
    parts.trainer.pause = 60
    chief, retraining = await admin(), platform.retraining
    await retraining.policies.change(chief, {"minutes_between": 10})
    await TrainingRun.create(trigger=RunTrigger.THRESHOLD, epochs=1, state=RunState.REJECTED)
    await labels(chief, Finding.COVID, 1)
    assert (await retraining.request(chief)).trigger is RunTrigger.ADMIN


async def test_what_becomes_due_without_a_label_is_begun(
    platform: Platform, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts.trainer.pause = 60
    monkeypatch.setattr(retraining_module, "WATCH_SECONDS", 0.02)
    chief, retraining = await admin(), platform.retraining
    await retraining.policies.change(chief, {"threshold": 4})
    await labels(chief, Finding.COVID, THRESHOLD)
    watching = asyncio.create_task(retraining.watch())
    await asyncio.sleep(0.1)
    assert not await TrainingRun.exists()
    await retraining.policies.change(chief, {"threshold": THRESHOLD})
    await eventually(lambda: TrainingRun.exists(trigger=RunTrigger.THRESHOLD))
    watching.cancel()


async def test_what_failed_is_not_begun_again_without_a_new_label(platform: Platform) -> None:
    chief = await admin()
    await labels(chief, Finding.COVID, THRESHOLD)
    await TrainingRun.create(
        trigger=RunTrigger.THRESHOLD, epochs=1, state=RunState.FAILED, finished_at=datetime.now(UTC)
    )
    assert await platform.retraining.start_if_due() is None
    assert "failed" in str((await platform.retraining.status(chief)).waits_for)
    await labels(chief, Finding.COVID, 1)
    assert (await platform.retraining.status(chief)).waits_for is None
