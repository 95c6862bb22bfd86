"""Images that were given up for a fault of ours are judged once it is over; what is unreadable stays so."""

import pytest

from api.settings import Settings
from api.wiring import Parts, running
from services import decoding, reactions, retrying
from services.keys import features_key, pixels_key
from services.platform import Platform
from services.uploads import Details, Outcome
from store.blobs import Blobs
from store.tables import Image, JournalEntry, ModelVersion, OutboxEvent, Prediction, User
from tests.people import admin, eventually, member
from tests.stand_ins import Brightness, EverySecondPixel, picture
from tests.uploading import incoming, upload
from tests.versions import candidate


class Away:
    """A store of blobs that can be written and, while it ``is_away``, not read."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_away, self.refused = True, 0
        get = Blobs.get

        async def getting(blobs: Blobs, key: str) -> bytes:
            if self.is_away and key.startswith("pixels"):
                self.refused += 1
                raise OSError("away")
            return await get(blobs, key)

        monkeypatch.setattr(Blobs, "get", getting)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reactions, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(retrying, "PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(retrying, "FIRST_SECONDS", 0)
    monkeypatch.setattr(decoding, "MOST_KEPT", 0)  # whoever judges has to read the store


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Away:
    return Away(monkeypatch)


async def given_up(platform: Platform, by: User) -> Image:
    (image,) = await upload(platform, by, picture(1))
    row = await Image.get(id=image.id)
    assert "fault of the platform" in str(row.failure)
    assert row.fault
    return row


async def is_judged() -> bool:
    """Whether the one image has its prediction, no failure is left of it, and all is published."""
    if await Image.exists(failure=None, fault=False) and not await OutboxEvent.exists():
        return await Prediction.exists()
    return False


async def told(kind: str) -> int:
    await eventually(_published)
    return await JournalEntry.filter(kind=kind).count()


async def _published() -> bool:
    return not await OutboxEvent.exists()


async def repeated(platform: Platform, by: User) -> Outcome:
    (outcome,) = await platform.uploads.upload(by, [incoming(picture(1))], Details(wait_seconds=10))
    assert outcome.duplicate_of is not None
    return outcome


async def test_the_next_start_makes_up_for_a_fault(settings: Settings, parts: Parts, store: Away) -> None:
    async with running(settings, parts) as platform:
        await given_up(platform, await member())
    store.is_away = False
    async with running(settings, parts):
        await eventually(is_judged)
        assert (await told("PredictionFailed"), await told("PredictionMade")) == (1, 1)


async def test_a_promotion_makes_up_for_a_fault(platform: Platform, store: Away) -> None:
    image = await given_up(platform, await member())
    store.is_away = False
    model = await candidate(platform, "0.25")
    await platform.models.promote(await admin(), model.id, "a test")
    await eventually(is_judged)
    assert (await Prediction.get(image=image)).model_id == model.id
    assert await told("PredictionFailed") == 1


async def test_so_does_the_hour(platform: Platform, store: Away, monkeypatch: pytest.MonkeyPatch) -> None:
    await given_up(platform, await member())
    store.is_away = False
    monkeypatch.setattr(retrying, "EVERY_SECONDS", 0.01)
    platform.renewal.retrying.soon()
    await eventually(is_judged)


async def test_the_same_file_again_makes_up_for_a_fault_and_can_be_waited_for(
    platform: Platform, store: Away
) -> None:
    ana = await member()
    image = await given_up(platform, ana)
    store.is_away = False
    assert (await repeated(platform, ana)).duplicate_of == image
    assert await Prediction.filter(image=image).count() == 1
    assert await eventually(is_judged)
    assert not (await repeated(platform, ana)).is_tried_again
    assert (await told("ImageUploaded"), await told("PredictionMade")) == (2, 1)


async def test_the_same_file_again_in_vain_is_told_once_more(platform: Platform, store: Away) -> None:
    ana = await member()
    image = await given_up(platform, ana)
    assert (await repeated(platform, ana)).is_tried_again
    assert (await Image.get(id=image.id)).fault
    assert await told("PredictionFailed") == 2


async def test_pixels_that_were_lost_come_back_with_the_file(platform: Platform) -> None:
    ana = await member()
    (image,) = await upload(platform, ana, picture(1))
    lost = [features_key(EverySecondPixel.name, image.key), pixels_key(image.key)]
    await platform.diagnosis.blobs.delete(lost)
    await Prediction.all().delete()
    await platform.renewal.diagnosis.diagnose_again(image)
    assert (await Image.get(id=image.id)).fault
    await repeated(platform, ana)
    await eventually(is_judged)
    await platform.diagnosis.blobs.get(pixels_key(image.key))


async def test_what_never_succeeds_is_tried_a_few_times_without_a_word(
    platform: Platform, store: Away
) -> None:
    """And stands in nobody's way."""
    ana = await member()
    await given_up(platform, ana)
    before = store.refused
    await platform.renewal.retrying.try_all()
    assert store.refused == before + retrying.ROUNDS
    assert await told("PredictionFailed") == 1


async def test_what_cannot_be_read_is_not_tried_again(platform: Platform, store: Away) -> None:
    store.is_away = False
    ana = await member()
    (image,) = await upload(platform, ana, picture(1))
    await platform.diagnosis.blobs.delete([features_key(EverySecondPixel.name, image.key)])
    await platform.diagnosis.blobs.put(pixels_key(image.key), b"no image")
    await Prediction.all().delete()
    await platform.diagnosis.diagnose_again(image)
    assert not (await Image.get(id=image.id)).fault
    store.is_away = True
    await platform.renewal.retrying.try_all()
    assert not (await repeated(platform, ana)).is_tried_again
    assert store.refused == 0


async def test_a_renewal_leaves_no_failure_of_what_it_has_judged(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its features were kept when the model that served broke down over it."""

    def broken(self: Brightness, features: object) -> None:
        raise FloatingPointError("broken")

    first = await ModelVersion.get()
    with monkeypatch.context() as patch:
        patch.setattr(Brightness, "judge", broken)
        await given_up(platform, await member())
    model = await candidate(platform, "0.25")
    await platform.models.promote(await admin(), model.id, "a test")
    await eventually(is_judged)
    assert not await Prediction.exists(model_id=first.id)
