"""How features that are made anew are shared out: who does what is in the log, what is left in the rows."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from api.settings import Settings
from api.wiring import Parts, running
from events.log import LAST
from events.messages import FeaturesMissed, from_payload
from services import reactions, remaking, renewal
from services.diagnosis import Diagnosis
from services.platform import Platform
from services.remaking import Remaking
from store.tables import Finding, Image, JournalEntry, Prediction
from tests.people import eventually
from tests.services.test_renewal import NEW, Darker, all_read, filled, finished
from tests.stand_ins import default_model


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reactions, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(reactions, "LONGEST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(renewal, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(remaking, "BATCH", 4)


@pytest.fixture
def another(parts: Parts) -> Parts:
    """The parts after the operator has chosen another network."""
    return replace(parts, extractor=Darker(), default_model=replace(default_model(), extractor=NEW))


async def shared_out() -> list[FeaturesMissed]:
    rows = await JournalEntry.filter(kind="FeaturesMissed").order_by("position")
    events = [from_payload(row.kind, row.payload) for row in rows]
    return [event for event in events if isinstance(event, FeaturesMissed)]


async def label(platform: Platform, *images: Image) -> None:
    for image in images:
        await platform.labelling.submit(await image.owner, image.id, Finding.COVID, None)


@pytest.mark.parametrize("at_once", [1, 100])
async def test_labelled_images_come_first_and_then_the_newest_in_batches_of_like_size(
    settings: Settings, parts: Parts, another: Parts, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(remaking, "BATCHES_AT_ONCE", at_once)
    ids = sorted(image.id for image in await filled(settings, parts, 10))
    async with running(settings, parts) as platform:
        await label(platform, await Image.get(id=ids[2]), await Image.get(id=ids[6]))
    another.extractor.fails = lambda number: True  # else some are done already before others are shared out

    async def all_shared_out() -> list[FeaturesMissed]:
        return found if len(found := await shared_out()) == 4 else []

    async with running(settings, another):
        labelled, *others = await eventually(all_shared_out)
        another.extractor.fails = lambda number: False
        assert labelled == FeaturesMissed(NEW, ids[2], ids[6], labelled=True)
        ranges = [(ids.index(one.first_id), ids.index(one.last_id)) for one in others]
        assert ranges == [(6, 9), (2, 5), (0, 1)]
        assert not any(one.labelled for one in others)
        await eventually(finished)
        assert await all_read()


async def test_a_batch_that_comes_again_is_done_already(
    settings: Settings, parts: Parts, another: Parts
) -> None:
    await filled(settings, parts)
    async with running(settings, another) as platform:
        await eventually(all_judged_twice)
        for event in await shared_out():
            await platform.renewal.remaking.remake(event)
        assert another.extractor.extracted == 5
        assert await all_judged_twice()


async def test_what_a_worker_had_extracted_and_not_judged_when_it_died_is_judged(
    settings: Settings, parts: Parts, another: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its batch has nothing left to do, and comes again later than the others' end."""
    images = await filled(settings, parts)
    judge = Diagnosis._judge_until_current

    async def dying(self: Diagnosis, image: Image, features: np.ndarray) -> None:
        if image.id != images[2].id:
            await judge(self, image, features)

    monkeypatch.setattr(Diagnosis, "_judge_until_current", dying)
    async with running(settings, another):
        await eventually(all_judged_twice)
    assert another.extractor.extracted == 5


async def all_judged_twice() -> bool:
    """By either network."""
    return await Prediction.all().count() == 2 * 5


async def test_batches_of_a_network_that_serves_no_longer_are_nobodys_business(
    settings: Settings, parts: Parts, another: Parts
) -> None:
    await filled(settings, parts)
    async with running(settings, parts) as platform:
        await platform.renewal.remaking.remake(FeaturesMissed(NEW, 0, LAST, labelled=False))
        assert not await all_read()


@pytest.mark.parametrize("patience", ["LYING_SECONDS", "BATCH_SECONDS"])
async def test_what_lies_for_long_is_shared_out_again(
    settings: Settings, parts: Parts, another: Parts, monkeypatch: pytest.MonkeyPatch, patience: str
) -> None:
    """Its events were dropped, or it came from a process that had yet to hear of the change."""
    await filled(settings, parts)
    share_out, calls = Remaking.share_out, []

    async def forgetful(self: Remaking) -> None:
        calls.append(1)
        if len(calls) > 1:
            await share_out(self)

    monkeypatch.setattr(Remaking, "share_out", forgetful)
    monkeypatch.setattr(renewal, patience, 0.1)
    async with running(settings, another):
        await eventually(all_read)


async def test_how_much_is_left_can_be_measured(settings: Settings, parts: Parts, another: Parts) -> None:
    await filled(settings, parts)
    extractor: Darker = another.extractor
    extractor.fails = lambda number: True
    async with running(settings, another) as platform:
        await eventually(lambda: asyncio.sleep(0, platform.renewal.left == 5))
        extractor.fails = lambda number: False
        await eventually(lambda: asyncio.sleep(0, platform.renewal.left == 0))
        assert await all_read()


async def test_a_fault_of_ours_blames_no_image_before_one_has_gone_well(
    settings: Settings, parts: Parts, another: Parts
) -> None:
    """Be they ever so few: nobody can tell the images' faults from the network's."""
    await filled(settings, parts, 2)
    another.extractor.fails = lambda number: True
    async with running(settings, another):
        await eventually(lambda: asyncio.sleep(0, another.extractor.extracted > 2 * 3 * remaking.ATTEMPTS))
        assert not await Image.filter(failure__isnull=False).exists()
        another.extractor.fails = lambda number: False
        await eventually(all_read)
