"""Which labels count towards a run: what somebody says of an image once, and not what a run knows already."""

from collections.abc import Sequence

import pytest

from api.wiring import Parts
from services.errors import Code
from services.platform import Platform
from store.tables import Evidence, Finding, Label, RunState, RunTrigger, TrainingRun, User
from tests.people import admin, member
from tests.runs import THRESHOLD, ended, label, refusal
from tests.store_rows import image

COVID, OTHER = Finding.COVID, Finding.NO_COVID
NONE, CLINICAL, RT_PCR = Evidence.UNSTATED, Evidence.CLINICAL, Evidence.RT_PCR

Said = tuple[Finding, Evidence]

SAID_BY_ONE: dict[str, tuple[Sequence[Said], Sequence[Said], Said | None]] = {
    "the first": ([], [(COVID, NONE)], (COVID, NONE)),
    "the same five times": ([], [(COVID, NONE)] * 5, (COVID, NONE)),
    "the same as a run has taken": ([(COVID, NONE)], [(COVID, NONE)] * 5, None),
    "another thing": ([(COVID, NONE)], [(OTHER, NONE)], (OTHER, NONE)),
    "another thing and back": ([(COVID, NONE)], [(OTHER, NONE), (COVID, NONE)], None),
    "this and that": ([], [(COVID, NONE), (OTHER, NONE)] * 3, (OTHER, NONE)),
    "with evidence": ([(COVID, NONE)], [(COVID, RT_PCR)], (COVID, RT_PCR)),
    "the contrary on weaker evidence": ([(COVID, RT_PCR)], [(OTHER, CLINICAL)], None),
    "against what counts of what was taken": (
        [(COVID, RT_PCR), (OTHER, NONE)],
        [(OTHER, RT_PCR)],
        (OTHER, RT_PCR),
    ),
}


async def say(by: User, image_id: int, said: Sequence[Said], run: TrainingRun | None = None) -> list[Label]:
    """Labels that nobody is told of, taken by a run."""
    return [
        await Label.create(
            image_id=image_id, finding=finding, evidence=evidence, submitted_by=by, claimed_by=run
        )
        for finding, evidence in said
    ]


async def past_run() -> TrainingRun:
    return await TrainingRun.create(trigger=RunTrigger.THRESHOLD, epochs=1, state=RunState.REJECTED)


@pytest.mark.parametrize("name", SAID_BY_ONE)
async def test_what_one_says_of_an_image_counts_where_it_is_news(name: str, database: str) -> None:
    taken, since, expected = SAID_BY_ONE[name]
    ana, ben = await member(), await member("ben@h.example")
    run, one, other = await past_run(), await image(ana, "one"), await image(ana, "other")
    await say(ben, one.id, [(COVID, NONE)], run)  # whatever others have said, and of other images
    await say(ana, other.id, [(COVID, NONE)], run)
    await say(ana, one.id, taken, run)
    await say(ana, one.id, since)
    found = await Label.news()
    assert [(label.finding, label.evidence) for label in found] == ([expected] if expected else [])
    assert all((label.image_id, label.submitted_by_id) == (one.id, ana.id) for label in found)


async def test_what_was_withdrawn_can_be_said_again(database: str) -> None:
    ana, chief = await member(), await admin()
    one, run = await image(ana), await past_run()
    (taken,) = await say(ana, one.id, [(COVID, NONE)], run)
    (again,) = await say(ana, one.id, [(COVID, NONE)])
    assert not await Label.news()
    await Label.filter(id=taken.id).update(withdrawn_at=taken.created_at, withdrawn_by_id=chief.id)
    assert [found.id for found in await Label.news()] == [again.id]


async def test_two_people_count_twice(database: str) -> None:
    ana, ben = await member(), await member("ben@h.example")
    one = await image(ana)
    for by in (ana, ben):
        await say(by, one.id, [(COVID, NONE)])
    assert await Label.news().count() == 2


async def test_the_same_again_and_again_starts_nothing_and_stays_in_the_ledger(
    platform: Platform, parts: Parts
) -> None:
    ana, chief = await member(), await admin()
    images = await label(platform, ana, THRESHOLD)
    await ended()
    for row in images * 2:
        await platform.labelling.submit(ana, row.id, COVID, None)
    status = await platform.retraining.status(chief)
    assert (status.new_labels, status.run) == (0, None)
    assert status.waits_for == f"There are 0 new labels, and {THRESHOLD} start a run."
    assert await platform.retraining.start_if_due() is None
    assert await refusal(platform.retraining.request(chief)) == Code.NOT_ENOUGH_LABELS
    assert await Label.unclaimed().count() == 2 * THRESHOLD, "none is taken by a run that did not begin"
    assert await Label.all().count() == 3 * THRESHOLD


async def test_a_run_takes_what_repeats_along(platform: Platform, parts: Parts) -> None:
    parts.trainer.pause = 60
    chief = await admin()
    (row,) = await label(platform, await member(), 1)
    for _ in range(THRESHOLD):
        await platform.labelling.submit(chief, row.id, COVID, None)
    assert (await platform.retraining.status(chief)).new_labels == 2
    run = await platform.retraining.request(chief)
    assert run.label_count == await Label.filter(claimed_by_id=run.id).count() == 1 + THRESHOLD


async def test_a_run_that_failed_is_not_begun_again_by_what_changes_nothing(platform: Platform) -> None:
    ana, chief = await member(), await admin()
    rows = [await image(ana, f"{number}") for number in range(THRESHOLD)]
    for row in rows:
        await say(ana, row.id, [(COVID, RT_PCR)])
    failed = await past_run()
    await TrainingRun.filter(id=failed.id).update(
        state=RunState.FAILED, finished_at=(await Label.all().order_by("-id").first()).created_at
    )
    await say(ana, rows[0].id, [(COVID, NONE)])
    assert "failed" in str((await platform.retraining.status(chief)).waits_for)
