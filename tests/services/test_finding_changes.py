"""After a promotion or a rollback the owner is told where the finding has changed, once and in order."""

from dataclasses import dataclass

import pytest

from events.messages import Event, FindingChanged, ModelPromoted, from_payload
from services import finding_changes, lookups
from services.images import Filter
from services.platform import Platform
from store.pages import Window
from store.tables import (
    Finding,
    FindingChange,
    Image,
    JournalEntry,
    ModelVersion,
    Prediction,
    User,
)
from tests.people import admin, eventually, member
from tests.stand_ins import picture
from tests.uploading import upload
from tests.versions import candidate

GREY, BRIGHT = 0.4, 0.9
"""COVID by thresholds below 0.4 alone, and by all of them."""


@dataclass
class Clinic:
    """A grey image and a bright one of Ana's, and an administrator who promotes."""

    platform: Platform
    ana: User
    chief: User
    grey: Image
    bright: Image

    async def promote(self, model: ModelVersion) -> None:
        """Put in service, and wait until its predictions are all there and told."""
        await self.platform.models.promote(self.chief, model.id, "a test")
        await eventually(lambda: self._judged(model))
        await self.platform.renewal.renew(ModelPromoted(model.id, None))

    async def _judged(self, model: ModelVersion) -> bool:
        return await Prediction.filter(model_id=model.id).count() == 2

    async def changes(self) -> list[tuple[int, Finding | None, Finding | None]]:
        """Image, what it was and what it is, in order."""
        rows = await FindingChange.all().order_by("id").select_related("prediction", "previous")
        return [(row.image_id, row.previous.finding, row.prediction.finding) for row in rows]

    async def listed(self, changed: bool) -> list[int]:
        """The images that the filter shows."""
        page = await self.platform.images.page(self.ana, Filter(finding_changed=changed), Window(9))
        return [row.id for row in page.rows]


@pytest.fixture
async def clinic(platform: Platform) -> Clinic:
    ana = await member()
    grey, bright = await upload(platform, ana, picture(1, GREY), picture(2, BRIGHT))
    return Clinic(platform, ana, await admin(), grey, bright)


async def told() -> list[Event]:
    """What was published."""
    rows = await JournalEntry.filter(kind="FindingChanged").order_by("position")
    return [from_payload(row.kind, row.payload) for row in rows]


async def test_a_promotion_tells_where_the_finding_changed(clinic: Clinic) -> None:
    eager = await candidate(clinic.platform, "0.25")
    await clinic.promote(eager)
    assert await clinic.changes() == [(clinic.grey.id, Finding.NO_COVID, Finding.COVID)]
    change, deployment = await FindingChange.get(), await lookups.deployment()
    expected = FindingChanged(change.id, clinic.grey.id, clinic.ana.id)
    assert await eventually(told) == [expected]
    assert change.deployment_id == deployment.id
    assert (await clinic.listed(True), await clinic.listed(False)) == ([clinic.grey.id], [clinic.bright.id])


async def test_a_rollback_makes_no_prediction_and_is_told_too(clinic: Clinic) -> None:
    first, eager = await ModelVersion.get(), await candidate(clinic.platform, "0.25")
    await clinic.promote(eager)
    await clinic.promote(first)
    assert await Prediction.all().count() == 4
    assert await clinic.changes() == [
        (clinic.grey.id, Finding.NO_COVID, Finding.COVID),
        (clinic.grey.id, Finding.COVID, Finding.NO_COVID),
    ]
    await eventually(lambda: _so_many(2))
    assert await clinic.listed(True) == [clinic.grey.id]


async def _so_many(count: int) -> bool:
    return len(await told()) == count


async def test_where_nothing_changed_nothing_is_told(clinic: Clinic) -> None:
    alike = await candidate(clinic.platform, "0.6")
    await clinic.promote(alike)
    assert await clinic.changes() == []
    assert set(await clinic.listed(False)) == {clinic.bright.id, clinic.grey.id}


async def test_told_again_and_again_it_is_told_once(clinic: Clinic) -> None:
    eager = await candidate(clinic.platform, "0.25")
    await clinic.promote(eager)
    for _ in range(3):
        await clinic.platform.renewal.renew(ModelPromoted(eager.id, None))
    assert len(await clinic.changes()) == 1
    await eventually(lambda: _so_many(1))


async def test_what_was_told_counts_and_not_what_came_between(clinic: Clinic) -> None:
    """The first model and the third agree, and the second made way before it was told of: nothing changed."""
    first, eager = await ModelVersion.get(), await candidate(clinic.platform, "0.25")
    grey = clinic.grey
    await Prediction.create(image=grey, model=eager, probability=0.4, margin=0.1, finding=Finding.COVID)
    await finding_changes.tell(clinic.platform.renewal.diagnosis.outbox, eager.id)
    assert await clinic.changes() == [], "it is not in service"
    await finding_changes.tell(clinic.platform.renewal.diagnosis.outbox, first.id)
    assert await clinic.changes() == []


async def test_many_images_are_gone_through_to_the_end(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding_changes, "BATCH", 1)
    eager = await candidate(clinic.platform, "0.25")
    severe = await candidate(clinic.platform, "0.95")
    await clinic.promote(eager)
    await clinic.promote(severe)
    assert sorted(await clinic.changes()) == sorted(
        [
            (clinic.grey.id, Finding.NO_COVID, Finding.COVID),
            (clinic.grey.id, Finding.COVID, Finding.NO_COVID),
            (clinic.bright.id, Finding.COVID, Finding.NO_COVID),
        ]
    )


async def test_an_image_judged_while_models_change_places_is_told_of(clinic: Clinic) -> None:
    """It came in under the first model, and its second prediction came after the promotion had been told."""
    eager = await candidate(clinic.platform, "0.25")
    await clinic.platform.models.promote(clinic.chief, eager.id, "a test")
    await eventually(clinic.changes)
    await FindingChange.all().delete()
    await finding_changes.tell_of(clinic.platform.renewal.diagnosis.outbox, [clinic.grey.id])
    assert await clinic.changes() == [(clinic.grey.id, Finding.NO_COVID, Finding.COVID)]


async def test_an_image_takes_its_changes_along(clinic: Clinic) -> None:
    await clinic.promote(await candidate(clinic.platform, "0.25"))
    await clinic.platform.images.delete(clinic.ana, clinic.grey.id)
    assert await FindingChange.all().count() == 0
