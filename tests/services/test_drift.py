"""What came in within 30 days, and period by period: by the day of upload, without what taught the model."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from api.wiring import Parts
from ml.drift import Sample, Signal
from services.drift import Drift, Report, Step
from services.errors import Forbidden, Unauthenticated
from services.platform import Platform
from store.tables import Evidence, Finding, Image, Label, ModelVersion, Prediction, User
from tests import people
from tests.drifting import RECORD, REFERENCE, judged, labelled, uploaded
from tests.statements import counted
from tests.versions import candidate

IN_BASE = "ab" * 32
HELD = "cd" * 32


@pytest.fixture
async def parts(parts: Parts) -> Parts:
    """With a first model whose record has a reference, and a base set of two films."""
    model = replace(parts.default_model, record=RECORD)
    return replace(parts, default_model=model, base_holdout={IN_BASE: False, HELD: True})


@pytest.fixture
async def ana(platform: Platform) -> User:
    return await people.member()


@pytest.fixture
async def model(platform: Platform) -> ModelVersion:
    return await platform.models.in_service()


def by_name(report: Report) -> dict[str, Signal]:
    return {signal.name: signal for signal in report.signals}


def differing(report: Report) -> set[str]:
    return {signal.name for signal in report.signals if signal.differs}


# ------------------------------------------------------------------ the last month


async def test_what_is_like_the_holdout_does_not_differ(
    platform: Platform, ana: User, model: ModelVersion
) -> None:
    images = await uploaded(ana, 200)
    await judged(images, model.id)
    await labelled(images, model.id, ana)
    report = await platform.drift.report()
    month = report.month
    assert (month.images, month.taught, report.reference) == (200, 0, REFERENCE)
    assert month.abstained == {"NOT_A_CHEST_XRAY": 0, "OUT_OF_DISTRIBUTION": 0, "UNCERTAIN": 20}
    assert (month.labelled, month.agreed) == (180, 171)
    assert month.probability == Sample(200, pytest.approx(0.3), pytest.approx(0.3, rel=0.01))
    assert month.distance == Sample(200, pytest.approx(0, abs=1e-9), pytest.approx(1, rel=0.01))
    assert differing(report) == set()
    assert all(signal.difference is not None for signal in report.signals)


async def test_each_signal_is_found_by_itself(platform: Platform, ana: User, model: ModelVersion) -> None:
    images = await uploaded(ana, 200)
    for changed, expected in (
        ({"abstaining": 0.35}, {"ABSTENTIONS"}),
        ({"probability": 0.55}, {"PROBABILITY"}),
        ({"distance": 1.2}, {"DISTANCE"}),
        ({}, set()),
    ):
        await Prediction.all().delete()
        await judged(images, model.id, **changed)  # type: ignore[arg-type]
        assert differing(await platform.drift.report()) == expected
    await labelled(images, model.id, ana, right=0.7)
    report = await platform.drift.report()
    assert differing(report) == {"AGREEMENT"}
    assert by_name(report)["AGREEMENT"].now == pytest.approx(0.7)


async def test_quantiles_are_those_of_the_distances(
    platform: Platform, ana: User, model: ModelVersion
) -> None:
    images = await uploaded(ana, 101)
    await judged(images, model.id, abstaining=0)
    distances = [row.distance or 0.0 for row in await Prediction.all()]
    month = (await platform.drift.report()).month
    assert month.median == pytest.approx(float(np.median(distances)))
    assert month.high == pytest.approx(sorted(distances)[95])


async def test_pictures_of_no_chest_are_counted_alone(
    platform: Platform, ana: User, model: ModelVersion
) -> None:
    await judged(await uploaded(ana, 60), model.id, abstaining=0)
    photographs = await uploaded(ana, 40)
    await judged(photographs, model.id, abstaining=1, reason="NOT_A_CHEST_XRAY", probability=0.9, distance=30)
    month = (await platform.drift.report()).month
    assert month.abstained["NOT_A_CHEST_XRAY"] == 40
    assert (month.probability.count, month.distance.count) == (60, 60)
    assert month.distance.mean == pytest.approx(0, abs=1e-9)


async def test_of_predictions_from_before_distances_were_kept_there_is_none(
    platform: Platform, ana: User, model: ModelVersion
) -> None:
    await judged(await uploaded(ana, 60), model.id, distance=None)
    report = await platform.drift.report()
    assert (report.month.distance, report.month.median) == (Sample(), None)
    assert by_name(report)["DISTANCE"].difference is None
    assert by_name(report)["PROBABILITY"].difference is not None


async def test_nothing_that_came_in_is_nothing(platform: Platform) -> None:
    report = await platform.drift.report()
    assert (report.month.images, report.month.agreement.value, report.month.median) == (0, None, None)
    assert {signal.now for signal in report.signals} == {None}


async def test_a_version_without_a_reference_is_compared_with_nothing(
    platform: Platform, ana: User, model: ModelVersion
) -> None:
    await ModelVersion.filter(id=model.id).update(record=None)
    await judged(await uploaded(ana, 60), model.id, abstaining=1)
    report = await platform.drift.report()
    assert report.reference is None
    assert (report.month.images, differing(report)) == (60, set())


# ------------------------------------------------------------------ which images count


async def test_an_image_counts_at_the_time_of_its_upload(
    platform: Platform, ana: User, model: ModelVersion
) -> None:
    """A renewal judges everything on one day, and moves nothing to it."""
    old, new = await uploaded(ana, 60, days_ago=31), await uploaded(ana, 70, days_ago=29)
    second = await candidate(platform, "0.25")
    await judged([*old, *new], model.id)
    await judged([*old, *new], second.id, probability=0.8)
    assert (await platform.drift.report()).month.images == 70
    await platform.models.promote(await people.admin(), second.id, "to see what it says")
    report = await platform.drift.report()
    assert (report.model.id, report.month.images) == (second.id, 70)
    assert report.month.probability.mean > 0.7


async def test_images_that_taught_the_model_are_left_out(
    platform: Platform, ana: User, model: ModelVersion
) -> None:
    """Of another model they are not."""
    images = await uploaded(ana, 80)
    second = await candidate(platform, "0.25")
    for one in (model, second):
        await judged(images, one.id, abstaining=0)
    labels = await labelled(images, model.id, ana, right=1)
    await second.labels.add(*labels[:50])
    assert (await platform.drift.report()).month.taught == 0
    await platform.models.promote(await people.admin(), second.id, "to see what it says")
    month = (await platform.drift.report()).month
    assert (month.images, month.taught, month.labelled) == (30, 50, 30)


async def test_films_of_the_base_set_that_taught_are_left_out(
    platform: Platform, ana: User, model: ModelVersion
) -> None:
    images = await uploaded(ana, 10)
    for image, sha256 in zip(images, (IN_BASE, HELD), strict=False):
        await Image.filter(id=image.id).update(sha256=sha256)
    await judged(images, model.id)
    month = (await platform.drift.report()).month
    assert (month.images, month.taught) == (9, 1)


async def test_labels_agree_by_the_one_that_counts(
    platform: Platform, ana: User, model: ModelVersion
) -> None:
    """Stronger evidence first, then the newest; what is withdrawn or in conflict counts nowhere."""
    eva = await people.member("eva@hospital.example")
    images = await uploaded(ana, 6)
    await judged(images, model.id, abstaining=0, covid=1)
    weaker, newer, conflict, withdrawn, unlabelled, silent = images
    await Prediction.filter(image_id=silent.id).update(finding=None)

    async def label(
        image: Image, finding: str, by: User = ana, evidence: str = "CT", **others: object
    ) -> None:
        await Label.create(
            image=image, finding=Finding(finding), evidence=Evidence(evidence), submitted_by=by, **others
        )

    await label(weaker, "COVID", evidence="RT_PCR")
    await label(weaker, "NO_COVID", evidence="CLINICAL")
    await label(newer, "COVID")
    await label(newer, "NO_COVID")
    await label(conflict, "COVID")
    await label(conflict, "NO_COVID", by=eva)
    await label(withdrawn, "COVID", withdrawn_at=datetime.now(UTC))
    await label(silent, "COVID")
    month = (await platform.drift.report()).month
    assert (month.images, month.labelled, month.agreed) == (6, 2, 1)
    await label(conflict, "COVID", by=eva, by_admin=True)
    assert unlabelled
    month = (await platform.drift.report()).month
    assert (month.labelled, month.agreed) == (3, 2)


# ------------------------------------------------------------------ over time


async def test_the_series_has_every_period(platform: Platform, ana: User, model: ModelVersion) -> None:
    chief = await people.admin()
    today = await uploaded(ana, 3, days_ago=0)
    before = await uploaded(ana, 2, days_ago=2)
    await judged(today, model.id, probability=0.9)
    await judged([*before, *await uploaded(ana, 1, days_ago=9)], model.id, abstaining=0)
    days = await platform.drift.series(chief, model, Step.DAY, 4)
    assert [day.figures.images for day in days] == [0, 2, 0, 3]
    assert days[0].figures.abstentions.value is None
    assert days[3].figures.probability.mean == pytest.approx(0.9)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    assert [(day.begin, day.end) for day in days[2:]] == [
        (midnight - timedelta(days=1), midnight),
        (midnight, midnight + timedelta(days=1)),
    ]
    weeks = await platform.drift.series(chief, model, Step.WEEK, 3)
    assert sum(week.figures.images for week in weeks) == 6
    assert {week.begin.weekday() for week in weeks} == {0}
    assert weeks[-1].begin <= midnight < weeks[-1].end
    assert [later.begin for later in weeks[1:]] == [week.end for week in weeks[:-1]]


async def test_what_taught_is_left_out_of_its_period(
    platform: Platform, ana: User, model: ModelVersion
) -> None:
    images = await uploaded(ana, 5, days_ago=1.5)
    await judged(images, model.id, abstaining=0)
    await model.labels.add(*(await labelled(images, model.id, ana))[:2])
    days = await platform.drift.series(await people.admin(), model, Step.DAY, 3)
    assert [(day.figures.images, day.figures.taught) for day in days if day.figures.images] == [(3, 2)]


# ------------------------------------------------------------------ who, and at what cost


async def test_is_for_administrators(platform: Platform, ana: User, model: ModelVersion) -> None:
    for viewer, error in ((None, Unauthenticated), (ana, Forbidden)):
        with pytest.raises(error):
            await platform.drift.read(viewer)
        with pytest.raises(error):
            await platform.drift.series(viewer, model, Step.DAY, 3)
    assert (await platform.drift.read(await people.admin())).month.images == 0


async def test_takes_as_many_statements_however_many_images(
    platform: Platform, ana: User, model: ModelVersion
) -> None:
    counts = []
    chief = await people.admin()
    for count in (2, 300):
        images = await uploaded(ana, count, days_ago=2)
        await judged(images, model.id)
        await labelled(images, model.id, ana)
        with counted() as statements:
            await platform.drift.read(chief)
            await platform.drift.series(chief, model, Step.WEEK, 50)
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 7


async def test_the_base_set_is_named_by_hashes_alone(
    platform: Platform, ana: User, model: ModelVersion
) -> None:
    """What is no hash never gets into a statement."""
    await judged(await uploaded(ana, 3), model.id)
    odd = Drift(["'; DROP TABLE image; --", "AB" * 32, ""])
    assert (await odd.report()).month.images == 3
