"""From an upload to a prediction, once, by whichever model is in service; and renewal after a promotion."""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest

from api.decoders import DecoderProcesses
from api.wiring import Parts
from events.log import Interest
from events.messages import ImageUploaded, ModelPromoted, PredictionFailed, PredictionMade
from ml import features as packing
from ml import image as ml_image
from ml.classifier import Judgement
from ml.image import Decoded
from ml.recipes import Prepared
from services import decoding as decoding_module
from services import diagnosis as diagnosis_module
from services import lookups, reactions
from services.decoding import MOST_KEPT, Decoding
from services.diagnosis import Diagnosis
from services.inference import Serving
from services.keys import features_key, pixels_key
from services.models import deploy
from services.platform import Platform
from store.database import atomically
from store.tables import (
    AbstainReason,
    Deployment,
    FilmView,
    Finding,
    FindingChange,
    Image,
    JournalEntry,
    ModelVersion,
    OutboxEvent,
    Prediction,
)
from tests.people import admin, eventually, member
from tests.stand_ins import DECODER, Brightness, EverySecondPixel, picture
from tests.uploading import upload
from tests.versions import candidate


class Counting(EverySecondPixel):
    """Counts what it extracts, and fails while it is broken."""

    def __init__(self) -> None:
        self.extracted = 0
        self.broken = False

    def extract(self, images: Sequence[Prepared]) -> np.ndarray:
        if self.broken:
            raise FloatingPointError("broken")
        self.extracted += len(images)
        return super().extract(images)


@pytest.fixture
async def parts(parts: Parts) -> Parts:
    return Parts(**{**vars(parts), "extractor": Counting()})


async def events(kind: type) -> list[int]:
    """The images that events of a kind told of, once all are published."""
    await eventually(_published)
    rows = await JournalEntry.filter(kind=kind.__name__).order_by("position")
    return [row.payload["image_id"] for row in rows]


async def _published() -> bool:
    return not await OutboxEvent.exists()


async def judges(image: Image) -> list[int]:
    """The models that have judged an image, in the order of their judgements."""
    return [row.model_id for row in await Prediction.filter(image_id=image.id).order_by("id")]


async def judged_by(images: Sequence[Image], model: ModelVersion) -> None:
    async def all_are() -> bool:
        return await Prediction.filter(model_id=model.id).count() == len(images)

    await eventually(all_are)
    assert {row.image_id for row in await Prediction.filter(model_id=model.id)} == {
        image.id for image in images
    }


async def test_a_repeated_event_changes_nothing(platform: Platform, parts: Parts) -> None:
    (image,) = await upload(platform, await member(), picture(1))
    await asyncio.gather(*(platform.diagnosis.diagnose(ImageUploaded(image.id)) for _ in range(5)))
    assert len(await judges(image)) == 1
    assert await events(PredictionMade) == [image.id]
    assert parts.extractor.extracted == 1


async def test_decodes_in_threads_that_nothing_else_waits_for(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []
    prepare = EverySecondPixel.prepare

    def watched(extractor: EverySecondPixel, decoded: Decoded) -> Prepared:
        threads.append(threading.current_thread().name)
        return prepare(extractor, decoded)

    monkeypatch.setattr(EverySecondPixel, "prepare", watched)
    await upload(platform, await member(), picture(1))
    assert [name.partition("_")[0] for name in threads] == ["decoding"]


async def test_what_was_decoded_to_be_checked_is_not_decoded_again(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def again(decoder: DecoderProcesses, owner: int, data: bytes) -> Decoded:
        raise AssertionError("decoded again")

    monkeypatch.setattr(DecoderProcesses, "decode", again)
    images = await upload(platform, await member(), *[picture(seed) for seed in range(MOST_KEPT)])
    assert [len(await judges(image)) for image in images] == [1] * MOST_KEPT


async def test_pictures_are_kept_for_a_while_and_for_one(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding_module, "KEPT_SECONDS", 0.1)
    decoding, film = Decoding(DECODER, platform.images.blobs), ml_image.decode(picture(1))
    for key in range(2 * MOST_KEPT):
        decoding.keep(str(key), film)
    assert decoding.take("0") is film
    assert decoding.take("0") is None
    await asyncio.sleep(0.2)
    assert [decoding.take(str(key)) for key in range(2 * MOST_KEPT)] == [None] * 2 * MOST_KEPT


async def test_of_a_turned_film_nothing_is_found_by_any_model(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = EverySecondPixel.prepare
    monkeypatch.setattr(
        EverySecondPixel, "prepare", lambda self, decoded: prepare(self, decoded)._replace(view="TURNED_90")
    )
    (image,) = await upload(platform, await member(), picture(1, 0.9))
    monkeypatch.undo()  # later models judge from the stored features
    model = await candidate(platform, "0.25")
    await platform.models.promote(await admin(), model.id, "to see what it says")
    await judged_by([image], model)
    assert (await Image.get(id=image.id)).view is FilmView.TURNED_90
    for prediction in await Prediction.filter(image_id=image.id):
        assert (prediction.finding, prediction.abstained) == (None, AbstainReason.OUT_OF_DISTRIBUTION)


async def test_a_process_that_has_not_heard_of_a_promotion_judges_by_the_promoted_model(
    platform: Platform,
) -> None:
    (image,) = await upload(platform, await member(), picture(1))
    await Prediction.all().delete()
    second = await candidate(platform, "0.9")
    # Not by the outbox, which would be relayed at once, but as another process commits.
    await atomically(lambda: deploy(second.id, "elsewhere", None))
    assert platform.diagnosis.inference.serving.model_id != second.id
    await platform.diagnosis.diagnose(ImageUploaded(image.id))
    assert await Prediction.all().values_list("model_id", flat=True) == [second.id]


async def test_an_image_over_which_processes_ended_is_given_up_for_good(platform: Platform) -> None:
    (image,) = await upload(platform, await member(), picture(1), wait=0)
    await Image.filter(id=image.id).update(deaths=diagnosis_module.MOST_DEATHS)
    await Prediction.all().delete()
    await platform.diagnosis.diagnose_returned(ImageUploaded(image.id))
    await image.refresh_from_db()
    assert (image.failure, image.fault) == (diagnosis_module.DEADLY, False)
    assert not await Prediction.exists()


async def test_an_image_whose_process_lived_is_suspected_no_more(platform: Platform, parts: Parts) -> None:
    (image,) = await upload(platform, await member(), picture(1))
    await Prediction.all().delete()
    await Image.all().update(deaths=diagnosis_module.MOST_DEATHS - 1, features=None)
    assert isinstance(parts.extractor, Counting)
    for broken in (True, False):
        parts.extractor.broken = broken
        with suppress(FloatingPointError):
            await platform.diagnosis.diagnose_returned(ImageUploaded(image.id))
        await image.refresh_from_db()
        assert (image.deaths, await Prediction.all().count()) == (0, 0 if broken else 1)
        await Image.all().update(deaths=diagnosis_module.MOST_DEATHS - 1)


async def test_an_image_that_has_gone_is_nobodys_business(platform: Platform) -> None:
    diagnosis = platform.diagnosis
    for react in (diagnosis.diagnose, diagnosis.diagnose_returned, diagnosis.give_up):
        await react(ImageUploaded(10**9))
    assert await events(PredictionFailed) == []


@pytest.mark.parametrize(
    ("judgement", "finding", "abstained"),
    [
        (Judgement(0.75, True, place="AAAA", distance=-0.25), Finding.COVID, None),
        (Judgement(0.25, False), Finding.NO_COVID, None),
        (Judgement(0.5, None, "UNCERTAIN"), None, AbstainReason.UNCERTAIN),
        (Judgement(1.0, None, "NOT_A_CHEST_XRAY"), None, AbstainReason.NOT_A_CHEST_XRAY),
        (Judgement(0.0, None, "OUT_OF_DISTRIBUTION"), None, AbstainReason.OUT_OF_DISTRIBUTION),
    ],
)
async def test_records_what_the_model_says_and_how_far_from_its_threshold(
    platform: Platform,
    monkeypatch: pytest.MonkeyPatch,
    judgement: Judgement,
    finding: Finding | None,
    abstained: AbstainReason | None,
) -> None:
    monkeypatch.setattr(Brightness, "judge", lambda self, rows: [judgement] * len(rows))
    await upload(platform, await member(), picture(1))
    found = await Prediction.get()
    assert (found.finding, found.probability, found.abstained) == (finding, judgement.probability, abstained)
    kept = (found.margin, found.place, found.distance)
    assert kept == (abs(judgement.probability - 0.5), judgement.place, judgement.distance)


async def test_keeps_the_features_and_uses_them_again(platform: Platform, parts: Parts) -> None:
    (image,) = await upload(platform, await member(), picture(1))
    row = await Image.get(id=image.id)
    assert row.features == EverySecondPixel.name
    stored = packing.unpack(await platform.diagnosis.blobs.get(features_key(row.features, row.key)))
    assert stored.shape == (25_088,)
    assert float(stored.mean()) == pytest.approx((await Prediction.get()).probability, abs=1e-3)
    model = await candidate(platform, "0.9")
    await platform.models.promote(await admin(), model.id, "to judge again")
    await judged_by([image], model)
    assert parts.extractor.extracted == 1


@pytest.mark.parametrize("damage", [None, b"", b"no features"])
async def test_features_that_were_lost_are_extracted_anew(
    platform: Platform, parts: Parts, damage: bytes | None
) -> None:
    (image,) = await upload(platform, await member(), picture(1))
    await spoil(platform, features_key(EverySecondPixel.name, image.key), damage)
    await Prediction.all().delete()
    await platform.diagnosis.diagnose(ImageUploaded(image.id))
    assert len(await judges(image)) == 1
    assert parts.extractor.extracted == 2
    await platform.diagnosis.blobs.get(features_key(EverySecondPixel.name, image.key))


async def spoil(platform: Platform, key: str, damage: bytes | None) -> None:
    """Put other bytes in the place of a blob, or nothing at all."""
    await platform.diagnosis.blobs.delete([key])
    if damage is not None:
        await platform.diagnosis.blobs.put(key, damage)


@pytest.mark.parametrize("damage", [None, b"no image"])
async def test_pixels_that_cannot_be_read_are_a_failure_that_the_owner_hears_of(
    platform: Platform, damage: bytes | None
) -> None:
    (image,) = await upload(platform, await member(), picture(1))
    for key in (features_key(EverySecondPixel.name, image.key), pixels_key(image.key)):
        await spoil(platform, key, damage)
    await Prediction.all().delete()
    await platform.diagnosis.diagnose(ImageUploaded(image.id))
    assert (await Image.get()).failure is not None
    assert await events(PredictionFailed) == [image.id]
    assert await judges(image) == []


async def test_a_fault_of_ours_is_tried_again(
    platform: Platform, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reactions, "FIRST_PAUSE_SECONDS", 0.05)
    parts.extractor.broken = True
    (image,) = await upload(platform, await member(), picture(1), wait=0)
    await asyncio.sleep(0.02)
    parts.extractor.broken = False
    assert await eventually(lambda: judges(image))
    assert await events(PredictionFailed) == []


async def test_a_fault_that_stays_is_told_and_nobody_waits_for_ever(
    platform: Platform, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reactions, "FIRST_PAUSE_SECONDS", 0.001)
    parts.extractor.broken = True
    async with asyncio.timeout(10):
        (image,) = await upload(platform, await member(), picture(1), wait=60)
    assert "fault of the platform" in str((await Image.get()).failure)
    assert await events(PredictionFailed) == [image.id]


async def test_a_promotion_between_judging_and_recording_is_made_up_for(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By another process, of which this one has not heard: only looking again can tell."""
    first, second = await ModelVersion.get(), await candidate(platform, "0.9")
    record, promoting = Diagnosis._record, [second]

    async def late(self: Diagnosis, image: Image, serving: Serving, probability: float) -> None:
        while promoting:
            now = datetime.now(UTC)
            await Deployment.create(number=2, model=promoting.pop(), reason="elsewhere", since=now)
        await record(self, image, serving, probability)

    monkeypatch.setattr(Diagnosis, "_record", late)
    (image,) = await upload(platform, await member(), picture(1), wait=0)
    await eventually(lambda: Prediction.filter(model_id=second.id).exists())
    assert await judges(image) == [first.id, second.id]


async def test_a_swap_between_judging_and_recording_is_made_up_for(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By this process: it has nothing to look for in the database."""
    (image,) = await upload(platform, await member(), picture(1))
    first, second = await ModelVersion.get(), await candidate(platform, "0.9")
    await Prediction.all().delete()
    record, swapping = Diagnosis._record, [Serving(second.id, 2, Brightness(b"0.9"))]

    async def late(self: Diagnosis, image: Image, serving: Serving, probability: float) -> None:
        while swapping:
            platform.diagnosis.inference.put_in_service(swapping.pop())
        await record(self, image, serving, probability)

    monkeypatch.setattr(Diagnosis, "_record", late)
    await platform.diagnosis.diagnose(ImageUploaded(image.id))
    assert await judges(image) == [first.id, second.id]


async def test_a_promotion_renews_every_prediction_and_keeps_the_old_ones(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosis_module, "BATCH_BESIDE", 2)
    images = await upload(platform, await member(), *(picture(n, 0.7) for n in range(5)))
    first, second = await ModelVersion.get(), await candidate(platform, "0.9")
    await platform.models.promote(await admin(), second.id, "stricter")
    await judged_by(images, second)
    for image in images:
        old, new = await Prediction.filter(image_id=image.id).order_by("id")
        assert (old.model_id, old.finding) == (first.id, Finding.COVID)
        assert (new.model_id, new.finding) == (second.id, Finding.NO_COVID)
        assert new.probability == pytest.approx(old.probability)
    assert sorted(await events(PredictionMade)) == sorted([image.id for image in images] * 2)


async def test_renewal_includes_what_is_uploaded_meanwhile(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosis_module, "BATCH_BESIDE", 1)
    ana, chief = await member(), await admin()
    images = await upload(platform, ana, *(picture(n) for n in range(4)))
    second = await candidate(platform, "0.9")
    uploading = [asyncio.create_task(upload(platform, ana, picture(n), wait=0)) for n in range(10, 16)]
    await platform.models.promote(chief, second.id, "stricter")
    for number, task in enumerate(uploading):
        images += await task + await upload(platform, ana, picture(20 + number), wait=0)
    await judged_by(images, second)


async def test_renewal_takes_a_tenth_of_the_time_beside_films_and_all_of_it_without(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosis_module, "BATCH_BESIDE", 1)
    await upload(platform, await member(), *(picture(n) for n in range(7)))
    second, keep, films = await candidate(platform, "0.9"), Diagnosis._keep, iter([1, 1, 0, 0, 0, 0])
    clock, batches = asyncio.get_running_loop().time, list[tuple[float, int]]()

    async def slow(
        diagnosis: Diagnosis, batch: list[tuple[Image, Judgement | None]], serving: Serving
    ) -> list[Image]:
        batches.append((clock(), len(batch)))
        diagnosis.inference.batches += next(films)
        await asyncio.sleep(0.1)
        return await keep(diagnosis, batch, serving)

    monkeypatch.setattr(Diagnosis, "_keep", slow)
    await Deployment.create(number=2, model=second, reason="r", since=datetime.now(UTC))
    await platform.diagnosis.renew(ModelPromoted(second.id, None))
    began, sizes = zip(*batches, strict=True)
    assert sizes == (1, 1, 1, 1, 2, 1), "twice as many each time that no film has come"
    pauses = [after - before for before, after in pairwise(began)]
    assert min(pauses[:2]) >= 10 * 0.1
    assert max(pauses[2:]) < 10 * 0.1


async def test_subscribers_hear_of_a_batch_before_the_next_is_made(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosis_module, "BATCH_BESIDE", 1)
    monkeypatch.setattr(diagnosis_module, "RENEWAL_BATCH", 1)
    await upload(platform, await member(), *(picture(n) for n in range(4)))
    second, heard = await candidate(platform, "0.9"), list[int]()

    async def listen() -> None:
        interests = frozenset({Interest(PredictionMade)})
        async with aclosing(platform.log.stream(await platform.log.head(), interests)) as deliveries:
            async for _ in deliveries:
                await asyncio.sleep(0.3)
                heard.append(await Prediction.filter(model=second).count())

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0.1)
    await Deployment.create(number=2, model=second, reason="r", since=datetime.now(UTC))
    await platform.diagnosis.renew(ModelPromoted(second.id, None))
    listening.cancel()
    assert heard[:2] == [2, 3], "one is shown, one has been made, and the third is not"


async def test_what_somebody_looks_at_is_judged_before_its_turn(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = await upload(platform, await member(), *(picture(n, 0.7) for n in range(3)))
    looked_at, second = [images[0].id, images[2].id], await candidate(platform, "0.9")
    await Deployment.create(
        number=2, model=second, reason="its renewal has yet to begin", since=datetime.now(UTC)
    )
    with monkeypatch.context() as away:
        away.setattr(diagnosis_module.kept_features, "read", raising)
        assert await platform.diagnosis.current(looked_at) == {}, (
            "that the store is away keeps nobody from reading"
        )
    found = await platform.diagnosis.current(looked_at)
    assert {one: found[one].model_id for one in found} == dict.fromkeys(looked_at, second.id)
    assert await Prediction.filter(model=second).count() == 2
    assert await FindingChange.filter(image_id__in=looked_at).count() == 2
    assert await platform.diagnosis.current(looked_at) == found
    await platform.diagnosis.renew(ModelPromoted(second.id, None))
    assert await Prediction.filter(model=second).count() == 3
    assert await FindingChange.all().count() == 3
    assert sorted(await events(PredictionMade)) == sorted([image.id for image in images] * 2)


async def raising(*_: object) -> None:
    raise ConnectionError("the store does not answer")


async def test_renewing_twice_changes_nothing(platform: Platform) -> None:
    images = await upload(platform, await member(), picture(1), picture(2))
    second = await candidate(platform, "0.9")
    await platform.models.promote(await admin(), second.id, "stricter")
    await judged_by(images, second)
    await platform.diagnosis.renew(ModelPromoted(second.id, None))
    assert await Prediction.all().count() == 4
    assert len(await events(PredictionMade)) == 4


async def test_renews_by_the_promoted_model_even_where_the_swap_is_late(platform: Platform) -> None:
    images = await upload(platform, await member(), picture(1), picture(2))
    second = await candidate(platform, "0.9")
    await Deployment.create(number=2, model=second, reason="elsewhere", since=datetime.now(UTC))
    await platform.diagnosis.renew(ModelPromoted(second.id, None))
    await judged_by(images, second)


async def test_a_rollback_judges_what_came_while_the_other_model_served(platform: Platform) -> None:
    ana, chief = await member(), await admin()
    images = await upload(platform, ana, picture(1))
    first, second = await ModelVersion.get(), await candidate(platform, "0.9")
    await platform.models.promote(chief, second.id, "stricter")
    images += await upload(platform, ana, picture(2))
    await judged_by(images, second)
    await platform.models.promote(chief, first.id, "too strict")
    await judged_by(images, first)


async def test_of_two_promotions_the_later_one_renews(platform: Platform) -> None:
    images = await upload(platform, await member(), *(picture(n) for n in range(6)))
    chief = await admin()
    second, third = await candidate(platform, "0.8"), await candidate(platform, "0.9")
    for model in (second, third):
        await platform.models.promote(chief, model.id, "better and better")
    await judged_by(images, third)
    assert (await lookups.deployment()).model_id == third.id


async def test_renewal_extracts_features_that_were_lost(platform: Platform) -> None:
    images = await upload(platform, await member(), picture(1), picture(2))
    await spoil(platform, features_key(EverySecondPixel.name, images[0].key), None)
    second = await candidate(platform, "0.9")
    await platform.models.promote(await admin(), second.id, "stricter")
    await judged_by(images, second)


async def test_renewal_goes_on_past_an_image_that_was_lost(platform: Platform) -> None:
    lost, kept = await upload(platform, await member(), picture(1), picture(2))
    for key in (features_key(EverySecondPixel.name, lost.key), pixels_key(lost.key)):
        await spoil(platform, key, None)
    second = await candidate(platform, "0.9")
    await platform.models.promote(await admin(), second.id, "stricter")
    await judged_by([kept], second)
    await eventually(lambda: Image.exists(id=lost.id, failure__isnull=False))
