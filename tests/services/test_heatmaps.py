"""Heatmaps: drawn once by the model that made the prediction, kept, and gone with the image."""

import asyncio
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from api.settings import Settings
from ml import explain
from ml import image as ml_image
from ml.recipes import WHOLE_PICTURE
from services import heatmaps as heatmaps_module
from services.heatmaps import HEADS_KEPT, CannotDraw, has_heatmap
from services.keys import heatmap_key, pixels_key
from services.links import Asked
from services.platform import Platform
from store.blobs import Blobs
from store.tables import AbstainReason, Image, ModelVersion, Prediction, User
from tests.addressed import asked
from tests.people import admin, eventually, member, signed_in
from tests.stand_ins import Brightness, EverySecondPixel, picture
from tests.store_rows import model as model_row
from tests.uploading import judged, upload
from tests.versions import candidate


async def prediction(platform: Platform, data: bytes | None = None) -> Prediction:
    """A prediction of a picture half as bright as white, of whom is signed in."""
    (image,) = await upload(platform, await signed_in(await member()), data or picture(1, 0.7))
    return await Prediction.get(image_id=image.id).select_related("image")


async def ask(platform: Platform, prediction_id: int, viewer: User | None = None) -> bytes | None:
    """The heatmap, at an address that was made for the viewer, or for who signed up first."""
    viewer = viewer or await signed_in((await User.all().order_by("id"))[0])
    return await platform.heatmaps.png(asked(platform.links.heatmap(viewer, prediction_id)))


def kept(settings: Settings) -> list[str]:
    """The keys of the heatmaps that are stored."""
    blobs = settings.data_dir / "blobs"
    return [str(path.relative_to(blobs)) for path in (blobs / "heatmaps").rglob("*") if path.is_file()]


def drawn_by(threshold: str, data: bytes) -> bytes:
    """What a model of a threshold is to draw over a picture."""
    decoded, extractor = ml_image.decode(data), EverySecondPixel()
    heat = Brightness(threshold.encode()).heat(extractor.maps(extractor.prepare(decoded)))
    return explain.overlay(decoded, heat, WHOLE_PICTURE)


@pytest.fixture
def drawings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The threads in which the platform computed heat."""
    threads: list[str] = []
    heat = Brightness.heat

    def watched(head: Brightness, maps: np.ndarray) -> np.ndarray:
        if threading.current_thread() is not threading.main_thread():  # where the test itself draws
            threads.append(threading.current_thread().name)
        return heat(head, maps)

    monkeypatch.setattr(Brightness, "heat", watched)
    return threads


async def test_is_drawn_once_and_kept(platform: Platform, settings: Settings, drawings: list[str]) -> None:
    one = await prediction(platform)
    first = await ask(platform, one.id)
    assert first == drawn_by("0.5", picture(1, 0.7)) != drawn_by("0.9", picture(1, 0.7))
    assert await ask(platform, one.id) == first
    assert kept(settings) == [heatmap_key(one.model_id, one.image.key)]
    assert [name.partition("_")[0] for name in drawings] == ["inference"]


async def test_many_who_ask_at_once_are_answered_by_one_drawing(
    platform: Platform, drawings: list[str]
) -> None:
    one = await prediction(platform)
    asked = [asyncio.create_task(ask(platform, one.id)) for _ in range(10)]
    await asyncio.sleep(0)
    asked[0].cancel()
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert set(found[1:]) == {drawn_by("0.5", picture(1, 0.7))}
    assert len(drawings) == 1


async def test_predictions_wait_for_a_few_drawings_alone(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While heat is computed for two of ten, a new image is next."""
    ana, order, gate = await signed_in(await member()), [], threading.Event()
    shown = await upload(platform, ana, *(picture(seed, 0.7) for seed in range(10)))
    extract = EverySecondPixel.extract
    monkeypatch.setattr(
        Brightness, "heat", lambda head, maps: (gate.wait(10), order.append("heat"), maps[..., 0])[2]
    )
    monkeypatch.setattr(
        EverySecondPixel, "extract", lambda *given: (order.append("extract"), extract(*given))[1]
    )
    predictions = await Prediction.filter(image_id__in=[image.id for image in shown])
    drawing = asyncio.gather(*(ask(platform, one.id, ana) for one in predictions))
    await asyncio.sleep(0.2)
    uploading = asyncio.create_task(upload(platform, ana, picture(99)))
    inference = platform.diagnosis.inference
    await eventually(lambda: asyncio.sleep(0, not inference.queue_length))
    await asyncio.sleep(0.3)
    gate.set()
    await uploading
    await drawing
    assert order.index("extract") <= heatmaps_module.AT_ONCE
    assert order.count("heat") == 10


async def test_a_model_that_serves_no_more_still_explains_its_own_prediction(
    platform: Platform, drawings: list[str]
) -> None:
    one = await prediction(platform)
    other = await candidate(platform, "0.1")
    await platform.models.promote(await admin(), other.id, "another")
    await judged(one.image, other.id)
    newer = await Prediction.get(image_id=one.image_id, model_id=other.id)
    assert await ask(platform, one.id) == drawn_by("0.5", picture(1, 0.7))
    assert await ask(platform, newer.id) == drawn_by("0.1", picture(1, 0.7))
    assert len(drawings) == 2


async def test_few_heads_of_other_models_are_kept(platform: Platform) -> None:
    one = await prediction(platform)
    for number in range(HEADS_KEPT + 3):
        version = await candidate(platform, f"0.{number + 1}")
        other = await Prediction.create(
            image_id=one.image_id, model_id=version.id, probability=0.5, margin=0, finding=None
        )
        assert await ask(platform, other.id) == drawn_by(f"0.{number + 1}", picture(1, 0.7))
    assert len(platform.heatmaps._heads) == HEADS_KEPT


@pytest.mark.parametrize("reason", [None, *AbstainReason])
async def test_only_what_is_no_chest_has_none(
    platform: Platform, settings: Settings, reason: AbstainReason | None
) -> None:
    one = await prediction(platform)
    await Prediction.filter(id=one.id).update(abstained=reason)
    there = reason is not AbstainReason.NOT_A_CHEST_XRAY
    assert has_heatmap(await Prediction.get(id=one.id)) is there
    assert (await ask(platform, one.id) is not None) is there
    assert bool(kept(settings)) is there


async def test_nobody_without_a_signed_address_gets_one(platform: Platform, settings: Settings) -> None:
    one = await prediction(platform)
    links, ana = platform.links, await signed_in(await User.get())
    eva = await signed_in(await member("eva@h.example"))
    for address in (links.image(ana, one.id), links.heatmap(ana, one.id + 1)):
        assert await platform.heatmaps.png(replace(asked(address), number=one.id)) is None
    made_up = Asked(one.id, str(ana.id), str(ana.session_id), "9999999999", "0")
    assert await platform.heatmaps.png(made_up) is None
    assert await ask(platform, one.id + 1) is None
    assert await ask(platform, one.id, eva) is None
    assert kept(settings) == []


async def test_goes_with_its_image(platform: Platform, settings: Settings) -> None:
    one = await prediction(platform)
    eva = await signed_in(await member("eva@h.example"))
    (stays,) = await upload(platform, eva, picture(2, 0.7))
    (other,) = await stays.predictions.all()
    assert await ask(platform, one.id)
    assert await ask(platform, other.id, eva)
    assert len(kept(settings)) == 2
    await platform.images.delete(await one.image.owner, one.image_id)
    await eventually(lambda: asyncio.sleep(0, kept(settings) == [heatmap_key(one.model_id, stays.key)]))
    assert await ask(platform, one.id) is None


@pytest.mark.parametrize("step", ["pixels", "heatmaps"])
async def test_deleted_while_it_is_drawn_leaves_nothing(
    platform: Platform, settings: Settings, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    one = await prediction(platform)
    owner = await one.image.owner
    get, put = Blobs.get, Blobs.put

    async def delete() -> None:
        if await Image.exists():
            await platform.images.delete(owner, one.image_id)
            await eventually(lambda: asyncio.sleep(0, not _files(settings, "pixels")))

    async def getting(self: Blobs, key: str) -> bytes:
        if key == pixels_key(one.image.key) and step == "pixels":
            await delete()
        return await get(self, key)

    async def putting(self: Blobs, key: str, data: bytes) -> None:
        if step == "heatmaps":
            await delete()
        await put(self, key, data)

    monkeypatch.setattr(Blobs, "get", getting)
    monkeypatch.setattr(Blobs, "put", putting)
    await ask(platform, one.id)
    assert kept(settings) == []
    assert not await Image.exists()


def _files(settings: Settings, room: str) -> list[Path]:
    return [path for path in (settings.data_dir / "blobs" / room).rglob("*") if path.is_file()]


async def test_a_model_of_another_network_cannot_explain_itself(platform: Platform) -> None:
    one = await prediction(platform)
    foreign = await model_row(2)
    await Prediction.filter(id=one.id).update(model_id=foreign.id)
    with pytest.raises(CannotDraw, match="model 2 reads none"):
        await ask(platform, one.id)


@pytest.mark.parametrize("damage", [b"0.7", None])
async def test_a_model_whose_file_is_not_what_it_was_explains_nothing(
    platform: Platform, damage: bytes | None
) -> None:
    one = await prediction(platform)
    other = await candidate(platform, "0.1")
    await Prediction.filter(id=one.id).update(model_id=other.id)
    blobs = platform.heatmaps.blobs
    await (blobs.put(other.key, damage) if damage else blobs.delete([other.key]))
    with pytest.raises(CannotDraw, match="missing or damaged"):
        await ask(platform, one.id)
    await blobs.put(other.key, b"0.1")
    assert await ask(platform, one.id) == drawn_by("0.1", picture(1, 0.7))


async def test_a_fault_is_not_remembered(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    one = await prediction(platform)
    with monkeypatch.context() as patching:
        patching.setattr(Brightness, "heat", lambda head, maps: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            await ask(platform, one.id)
    assert await ask(platform, one.id) == drawn_by("0.5", picture(1, 0.7))
    assert await ModelVersion.all().count() == 1
