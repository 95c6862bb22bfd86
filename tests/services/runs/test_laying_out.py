"""Training runs: what is laid out for the trainer."""

import asyncio

import numpy as np
import pytest

from api.wiring import Parts
from services.platform import Platform
from store.tables import (
    Finding,
    Image,
    ModelVersion,
    RunState,
    TrainingRun,
)
from tests.people import admin, eventually, member
from tests.runs import (
    THRESHOLD,
    ended,
    label,
    laid_out,
    patients,
    same,
)
from tests.stand_ins import picture, sha256
from tests.uploading import upload


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
    await platform.images.update(ana, moved.id, patient_ref=first)
    await upload(platform, ana, picture(2), finding=Finding.COVID, patient_ref=first)
    await upload(platform, eva, picture(2), finding=Finding.COVID, patient_ref=second)
    await upload(platform, eva, picture(3), finding=Finding.COVID, patient_ref=second)
    await upload(platform, eva, picture(4), finding=Finding.COVID, patient_ref=third)
    await eventually(lambda: same(TrainingRun.active(), None))
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
