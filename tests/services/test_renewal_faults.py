"""What goes wrong while predictions are renewed costs no prediction and no word of it, and repeats none."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

import numpy as np
import pytest

from events.messages import ModelPromoted
from ml.recipes import Prepared
from services import diagnosis as diagnosis_module
from services import finding_changes, reactions
from services.diagnosis import Diagnosis
from services.keys import features_key
from services.outbox import Outbox
from services.platform import Platform
from services.remaking import ATTEMPTS
from services.renewal import CannotRenew
from store.blobs import Blobs
from store.tables import (
    Finding,
    FindingChange,
    Image,
    JournalEntry,
    ModelVersion,
    OutboxEvent,
    Prediction,
    User,
)
from tests.people import admin, eventually, member
from tests.stand_ins import EverySecondPixel, picture
from tests.uploading import upload
from tests.versions import candidate

GREY = 0.4
"""COVID by thresholds below it alone: not by the first model, and by the eager one."""
IMAGES = 7


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reactions, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(reactions, "LONGEST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(diagnosis_module, "BATCH_BESIDE", 2)


@pytest.fixture
async def ana(platform: Platform) -> User:
    return await member()


@pytest.fixture
async def images(platform: Platform, ana: User) -> list[Image]:
    return await upload(platform, ana, *(picture(number, GREY) for number in range(IMAGES)))


async def promoted(platform: Platform, threshold: str) -> ModelVersion:
    """A model that has just been put in service, and is about to renew what there is."""
    model = await candidate(platform, threshold)
    await platform.models.promote(await admin(f"{threshold}@hospital.example"), model.id, "a test")
    return model


async def told(kind: str, count: int) -> None:
    """Wait until so many rows of a kind have been told of, and see that it stays at that."""
    await eventually(lambda: _so_many(kind, count))
    await asyncio.sleep(0.2)
    assert await _so_many(kind, count)
    await eventually(_published)


async def _published() -> bool:
    return not await OutboxEvent.exists()


async def _so_many(kind: str, count: int) -> bool:
    return await JournalEntry.filter(kind=kind).count() == count


def failing_at(calls: set[int], monkeypatch: pytest.MonkeyPatch, where: type, name: str, late: bool) -> None:
    """Have some calls of a method fail, ``late`` when they have done their work."""
    method: Callable[..., object] = getattr(where, name)
    count = iter(range(100))

    async def failing(self: object, *arguments: object) -> object:
        fails = next(count) in calls
        if fails and not late:
            raise OSError("away")
        found = await method(self, *arguments)  # type: ignore[misc]
        if fails:
            raise OSError("away")
        return found

    monkeypatch.setattr(where, name, failing)


@pytest.mark.parametrize(
    ("where", "name", "late"),
    [(Blobs, "get_all", False), (Outbox, "commit", False), (Diagnosis, "_record_together", True)],
)
async def test_a_fault_of_either_half_repeats_and_loses_nothing(
    platform: Platform,
    images: list[Image],
    monkeypatch: pytest.MonkeyPatch,
    where: type,
    name: str,
    late: bool,
) -> None:
    """Of reading the next batch, or of keeping the one before, which goes on beside it."""
    model = await candidate(platform, "0.25")
    chief = await admin()
    await platform.models.promote(chief, model.id, "a test")
    failing_at({1, 3}, monkeypatch, where, name, late)
    await told("FindingChanged", IMAGES)
    await told("PredictionMade", 2 * IMAGES)
    assert await Prediction.filter(model_id=model.id).count() == IMAGES


async def test_an_image_that_is_deleted_when_it_has_been_judged_takes_nothing_along(
    platform: Platform, ana: User, images: list[Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, doomed = Diagnosis._keep, {images[0].id, images[3].id}

    async def deleting(self: Diagnosis, batch: list[tuple[Image, object]], *others: object) -> object:
        for image, _ in batch:
            if image.id in doomed:
                await platform.images.delete(ana, image.id)
        return await keep(self, batch, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(Diagnosis, "_keep", deleting)
    await promoted(platform, "0.25")
    await told("FindingChanged", IMAGES - 2)
    await told("PredictionMade", 2 * IMAGES - 2)


async def test_of_promotions_in_mid_renewal_the_last_is_what_owners_know(
    platform: Platform, images: list[Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, later = Diagnosis._keep, ["0.3", "0.95"]

    async def promoting(self: Diagnosis, *arguments: object) -> object:
        if later:
            await promoted(platform, later.pop())
        return await keep(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Diagnosis, "_keep", promoting)
    await promoted(platform, "0.25")
    await eventually(lambda: _all_know(images, Finding.COVID))


async def _all_know(images: Sequence[Image], finding: Finding) -> bool:
    changes = await finding_changes.latest([image.id for image in images])
    rows = await Prediction.filter(id__in=[change.prediction_id for change in changes.values()])
    return [row.finding for row in rows] == [finding] * len(images)


async def test_what_a_later_promotion_has_told_is_not_followed_by_what_was_true_before(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody had begun to tell of one image when two models changed places."""
    (grey,) = await upload(platform, await member(), picture(1, GREY))
    eager, known = await promoted(platform, "0.25"), finding_changes._known
    await told("FindingChanged", 1)
    await FindingChange.all().delete()
    later = ["0.6"]

    async def slowly(image_ids: list[int]) -> object:
        found = await known(image_ids)
        while later:
            await promoted(platform, later.pop())
        return found

    monkeypatch.setattr(finding_changes, "_known", slowly)
    await finding_changes.tell_of(platform.diagnosis.outbox, [grey.id])
    assert not await FindingChange.exists(prediction__model_id=eager.id)


async def test_an_image_that_cannot_be_judged_again_keeps_no_other_from_being_told(
    platform: Platform, images: list[Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its features are lost, and the network fails at it every time."""

    def broken(self: EverySecondPixel, prepared: Sequence[Prepared]) -> np.ndarray:
        raise FloatingPointError("broken")

    lost = images[2]
    await platform.diagnosis.blobs.delete([features_key(EverySecondPixel.name, lost.key)])
    monkeypatch.setattr(EverySecondPixel, "extract", broken)
    model = await promoted(platform, "0.25")
    await told("FindingChanged", IMAGES - 1)
    for _ in range(ATTEMPTS):
        with suppress(CannotRenew):
            await platform.renewal.renew(ModelPromoted(model.id, None))
    row = await Image.get(id=lost.id)
    assert (row.features, "fault of the platform" in str(row.failure)) == (None, True)
    await platform.renewal.renew(ModelPromoted(model.id, None))
    await told("PredictionFailed", 1)
