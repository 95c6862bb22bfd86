"""After a change of the network all features are made anew, by a job that bears a crash and mixes nothing."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import pytest

from api.settings import Settings
from api.wiring import Parts, running
from events.log import LAST
from events.messages import FeaturesMissed, ModelPromoted
from ml.image import Decoded
from ml.recipes import Prepared
from services import reactions, remaking, renewal, training
from services.errors import Forbidden
from services.examples import select
from services.holdout import Holdout
from services.journal import DatabaseJournal
from services.keys import features_key, pixels_key
from services.platform import Platform
from services.remaking import ATTEMPTS, FAULTS_IN_A_ROW, CannotRemake
from services.renewal import CannotRenew
from services.sweeping import Sweeping
from store.blobs import BlobMissing
from store.tables import (
    Deployment,
    Finding,
    Image,
    ModelState,
    ModelVersion,
    Prediction,
    RunState,
    TrainingRun,
)
from tests.people import admin, eventually, member
from tests.stand_ins import EverySecondPixel, default_model, picture
from tests.uploading import upload

OLD = EverySecondPixel.name
NEW = "darker/test"


class Darker(EverySecondPixel):
    """Another network: of the same width, and half as bright. It stops at an image, or fails, on demand."""

    name = NEW

    def __init__(self) -> None:
        self.extracted = 0
        self.fails: Callable[[int], bool] = lambda number: False

    def extract(self, images: Sequence[Prepared]) -> np.ndarray:
        self.extracted += len(images)
        if self.fails(self.extracted):
            raise FloatingPointError("broken")
        return super().extract(images) / 2


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reactions, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(reactions, "LONGEST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(renewal, "LOOK_SECONDS", 0.02)


@pytest.fixture
def another(parts: Parts) -> Parts:
    """The platform's parts after the operator has chosen another network, with a default model for it."""
    return replace(parts, extractor=Darker(), default_model=replace(default_model(), extractor=NEW))


async def filled(settings: Settings, parts: Parts, count: int = 5) -> list[Image]:
    """Images that were uploaded while the first network served."""
    async with running(settings, parts) as platform:
        return await upload(platform, await member(), *(picture(n, 0.7) for n in range(count)))


async def all_read(by: str = NEW) -> bool:
    return not await Image.all().exclude(features=by).exists()


async def test_a_change_of_the_network_makes_all_features_anew(
    settings: Settings, parts: Parts, another: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    images = await filled(settings, parts)
    caplog.set_level(logging.INFO, "services.renewal")
    async with running(settings, another) as platform:
        await eventually(all_read)
        model = await ModelVersion.get(state=ModelState.IN_SERVICE)
        await eventually(lambda: judged(model, len(images)))
        blobs = platform.diagnosis.blobs
        for image in images:
            await blobs.get(features_key(NEW, image.key))
            await eventually(partial(gone, platform, features_key(OLD, image.key)))
        old, new = await Prediction.filter(image_id=images[0].id).order_by("id")
        assert new.probability == pytest.approx(old.probability / 2, abs=1e-3), "by its own features"
        progress = await platform.renewal.progress(await admin())
        assert (progress.extractor, progress.done, progress.failed, progress.total) == (NEW, 5, 0, 5)
        line = "features by darker/test: 5 of 5 images"
        await eventually(lambda: asyncio.sleep(0, line in caplog.text))
        await eventually(finished)
        assert platform.renewal.left == 0
    assert another.extractor.extracted == 5


async def judged(model: ModelVersion, count: int) -> bool:
    return await Prediction.filter(model_id=model.id).count() == count


async def gone(platform: Platform, key: str) -> bool:
    with suppress(BlobMissing):
        await platform.diagnosis.blobs.get(key)
        return False
    return True


async def test_the_job_goes_on_after_a_crash_where_it_was(
    settings: Settings, parts: Parts, another: Parts
) -> None:
    await filled(settings, parts)
    first: Darker = another.extractor
    first.fails = lambda number: number > 2
    async with running(settings, another):
        await eventually(lambda: read_by(NEW, 2))
    second = Darker()
    async with running(settings, replace(another, extractor=second)):
        await eventually(all_read)
        await eventually(finished)
    assert second.extracted == 3, "what was done is not done again"


async def read_by(extractor: str, count: int) -> bool:
    return await Image.filter(features=extractor).count() == count


async def finished() -> bool:
    """Whether nothing is left to do."""
    return await read_by(OLD, 0)


async def test_uploads_are_judged_by_the_new_network_at_once_and_first(
    settings: Settings, parts: Parts, another: Parts
) -> None:
    await filled(settings, parts, 8)
    extractor: Darker = another.extractor
    prepare = Darker.prepare

    def slowly(self: Darker, decoded: Decoded) -> Prepared:
        time.sleep(0.05)
        return prepare(self, decoded)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Darker, "prepare", slowly)
        async with running(settings, another) as platform:
            (image,) = await upload(platform, await member("bo@hospital.example"), picture(99))
            assert (await Image.get(id=image.id)).features == NEW
            assert await Image.filter(features=OLD).exists(), "the job was not waited for"
            await eventually(all_read)
    assert extractor.extracted == 9


async def test_what_cannot_be_read_any_more_is_told_and_not_waited_for(
    settings: Settings, parts: Parts, another: Parts
) -> None:
    images = await filled(settings, parts)
    async with running(settings, parts) as platform:
        await platform.diagnosis.blobs.delete([pixels_key(images[1].key)])
        await platform.diagnosis.blobs.put(pixels_key(images[2].key), b"no image")
    async with running(settings, another) as platform:
        await eventually(lambda: read_by(NEW, 3))
        await eventually(lambda: read_by(OLD, 0))
        await eventually(finished)
        progress = await platform.renewal.progress(await admin())
        assert (progress.done, progress.failed, progress.total) == (3, 2, 5)
        for image in (images[1], images[2]):
            row = await Image.get(id=image.id)
            assert (row.features, "cannot be read" in str(row.failure)) == (None, True)
            await eventually(partial(gone, platform, features_key(OLD, image.key)))


async def test_images_that_are_deleted_in_mid_job_are_nobodys_business(
    settings: Settings, parts: Parts, another: Parts
) -> None:
    images = await filled(settings, parts, 6)
    async with running(settings, another) as platform:
        owner = await images[0].owner
        await asyncio.gather(*(platform.images.delete(owner, image.id) for image in images[:4]))
        await eventually(finished)
        await eventually(all_read)
        for image in images[:4]:
            for key in (features_key(OLD, image.key), features_key(NEW, image.key)):
                await eventually(partial(gone, platform, key))


async def test_a_fault_of_one_image_keeps_no_other_waiting(
    settings: Settings, parts: Parts, another: Parts
) -> None:
    images = await filled(settings, parts)
    bad = images[3]
    async with running(settings, parts) as platform:
        poison = picture(50, 0.2)
        await platform.diagnosis.blobs.put(pixels_key(bad.key), poison)
    extractor: Darker = another.extractor
    extract = Darker.extract

    def picky(self: Darker, prepared: Sequence[Prepared]) -> np.ndarray:
        if any(image.pixels.mean() < 0.3 for image in prepared):
            raise FloatingPointError("broken")
        return extract(self, prepared)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Darker, "extract", picky)
        async with running(settings, another) as platform:
            await eventually(lambda: read_by(NEW, 4))
            await eventually(finished)
            row = await Image.get(id=bad.id)
            assert row.features is None
            assert "fault of the platform" in str(row.failure)
    assert extractor.extracted == 4


async def test_a_fault_of_all_ends_the_job_for_a_while_and_blames_no_image(
    settings: Settings, parts: Parts, another: Parts
) -> None:
    await filled(settings, parts, FAULTS_IN_A_ROW + 1)
    extractor: Darker = another.extractor
    extractor.fails = lambda number: True
    async with running(settings, another) as platform:
        for _ in range(ATTEMPTS + 1):
            with pytest.raises(CannotRemake, match="in a row"):
                await platform.renewal.remaking.remake(FeaturesMissed(NEW, 0, LAST, False))
        assert not await Image.filter(failure__isnull=False).exists()
        extractor.fails = lambda number: False
        await eventually(all_read)


async def test_going_back_puts_the_last_model_of_the_network_in_service(
    settings: Settings, parts: Parts, another: Parts
) -> None:
    await filled(settings, parts)
    async with running(settings, another):
        await eventually(all_read)
    async with running(settings, parts) as platform:
        await eventually(lambda: all_read(OLD))
        assert (await platform.models.in_service()).number == 1
        assert platform.diagnosis.inference.serving.head.threshold == 0.5
        assert await ModelVersion.all().count() == 2
    async with running(settings, another) as platform:
        assert (await platform.models.in_service()).number == 2


async def test_a_server_of_another_network_leaves_the_features_in_force_alone(
    settings: Settings, parts: Parts, another: Parts
) -> None:
    """Two servers on one database, one of them not yet told of the change."""
    await filled(settings, parts)
    async with running(settings, parts) as platform:
        model = await ModelVersion.create(
            number=2,
            backbone="darker",
            head="C",
            extractor=NEW,
            key="elsewhere",
            sha256="0" * 64,
            trained_on=1,
            evaluation={},
        )
        await Image.all().update(features=NEW)
        await Deployment.create(number=2, model=model, reason="elsewhere", since=datetime.now(UTC))
        assert not await platform.models.refresh()
        with pytest.raises(CannotRenew, match="restart it with the COVIDXR_DEFAULT_MODEL"):
            await platform.renewal.renew(ModelPromoted(model.id, None))
        with pytest.raises(CannotRemake, match="restart it"):
            await platform.renewal.remaking.remake(FeaturesMissed(NEW, 0, LAST, False))
        assert await all_read(NEW)
        (image,) = await upload(platform, await member("bo@hospital.example"), picture(70))
        assert image is not None
        assert not await Image.filter(failure__isnull=False).exists()


async def test_members_do_not_see_the_progress(platform: Platform) -> None:
    with pytest.raises(Forbidden):
        await platform.renewal.progress(await member())


# ------------------------------------------------------------------ nothing is mixed


async def labelled(platform: Platform, images: Sequence[Image]) -> None:
    for image in images:
        await platform.labelling.submit(await image.owner, image.id, Finding.COVID, None)


async def test_a_training_set_holds_features_of_one_network(settings: Settings, parts: Parts) -> None:
    images = await filled(settings, parts)
    async with running(settings, parts) as platform:
        await Image.filter(id=images[0].id).update(features=NEW)
        await labelled(platform, images[:2])
        (example,) = (await select(OLD, 1.0, Holdout({}))).examples
        assert example.image.id == images[1].id


async def test_a_run_waits_until_what_is_labelled_has_its_features(
    settings: Settings, parts: Parts, another: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remaking, "LOOK_SECONDS", 0.01)
    images = await filled(settings, parts)
    async with running(settings, parts) as platform:
        await labelled(platform, images[:2])
    extractor: Darker = another.extractor
    extractor.fails = lambda number: True
    async with running(settings, another) as platform:
        run = await platform.retraining.request(await admin())
        await asyncio.sleep(0.2)
        assert parts.trainer.folders == []
        extractor.fails = lambda number: False
        await eventually(lambda: TrainingRun.filter(id=run.id, state=RunState.PROMOTED).exists())
    (given,) = parts.trainer.folders
    assert len(given["covid"]) == 2


async def test_a_run_asks_for_what_a_process_judged_that_had_yet_to_hear_of_the_change(
    settings: Settings, parts: Parts, another: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It came after all others were done, and nobody looks at it again."""
    monkeypatch.setattr(remaking, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(remaking, "LYING_SECONDS", 0.05)
    images = await filled(settings, parts)
    async with running(settings, another) as platform:
        await labelled(platform, images[:2])
        await eventually(all_read)
        await eventually(finished)
        await Image.filter(id=images[0].id).update(features=OLD)
        run = await platform.retraining.request(await admin())
        await eventually(lambda: TrainingRun.filter(id=run.id, state=RunState.PROMOTED).exists())
        assert await all_read()


async def test_what_a_crash_left_of_the_old_features_is_swept(
    settings: Settings, parts: Parts, another: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = await filled(settings, parts, 1)
    async with running(settings, another) as platform:
        await eventually(all_read)
        await eventually(finished)
        blobs, key = platform.diagnosis.blobs, features_key(OLD, images[0].key)
        await eventually(partial(gone, platform, key))
        await blobs.put(key, b"left")
        monkeypatch.setattr("services.sweeping.GRACE", -training.LEASE)
        await Sweeping(blobs, platform.training.scratch, DatabaseJournal(), timedelta(days=90)).sweep_blobs()
        assert await gone(platform, key)
        await blobs.get(features_key(NEW, images[0].key))
        await blobs.get(pixels_key(images[0].key))
