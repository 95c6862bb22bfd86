"""From an uploaded image to a prediction by the model in service."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

import numpy as np
from tortoise.exceptions import IntegrityError
from tortoise.expressions import F, Q

from events.messages import ImageUploaded, ModelPromoted, PredictionFailed, PredictionMade
from ml import features as packing
from ml import image as ml_image
from ml.classifier import Judgement
from ml.recipes import Prepared
from services import finding_changes, kept_features, lookups, measurements, predictions
from services.decoding import Decoding
from services.inference import Array, Inference, Serving
from services.keys import features_key
from services.models import Models
from services.outbox import Outbox, record, record_all
from store.blobs import BlobMissing, Blobs
from store.inserting import insert
from store.tables import AbstainReason, Finding, Image, Prediction

RENEWAL_BATCH = 256
BATCH_BESIDE = 16
"""As many where films come meanwhile, which wait for one such batch."""
RESTS = 9
"""Beside films renewal rests so many times as long as it works, and so takes a tenth of the time."""
HEARD_SECONDS = 2.0
"""So long it waits for subscribers to be shown a batch: where they are never through, it goes on."""
RENEWED = ("id", "key", "owner_id", "features", "view", "failure")
"""All that is read of an image to judge it anew."""
UNFAILED = {"failure": None, "fault": False}
MOST_DEATHS = 3
DEADLY = f"the process that judges images ended over this one, {MOST_DEATHS} times: it is not tried again"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Diagnosis:
    """The reactions to an upload and to a promotion; each may come twice and does its work once."""

    outbox: Outbox
    blobs: Blobs
    inference: Inference
    models: Models
    decoding: Decoding

    async def diagnose(self, event: ImageUploaded) -> None:
        """Judge a new image, whatever model is in service by then."""
        image = (await lookups.images([event.image_id])).get(event.image_id)
        if image is None:  # deleted meanwhile
            return
        try:
            features = await self._features(image)
        except (ml_image.ImageError, BlobMissing) as error:
            # What was stored and is not there is no fault of the image, though trying at once helps nobody.
            ours = isinstance(error, BlobMissing)
            await self._fail(image, f"the image cannot be read: {error}", ours)
            return
        await self._judge_until_current(image, features)

    async def diagnose_returned(self, event: ImageUploaded) -> None:
        """As `diagnose`, of an image whose job came back from a process that may have died of it.

        To be called with no other image beside it, so that what dies here dies of this one.
        """
        image = await Image.get_or_none(id=event.image_id)
        if image is not None and image.deaths >= MOST_DEATHS:
            await self._fail(image, DEADLY, False)  # not ours: another try would end another process
            return
        await Image.filter(id=event.image_id).update(deaths=F("deaths") + 1)
        try:
            await self.diagnose(event)
        finally:
            await Image.filter(id=event.image_id).update(deaths=0)  # whoever comes here lives

    async def give_up(self, event: ImageUploaded) -> None:
        """Say of an image that judging it failed again and again, for a reason of ours."""
        image = await Image.get_or_none(id=event.image_id)
        if image is not None:
            await self._fail(image, "the image could not be judged, because of a fault of the platform", True)

    async def swap(self, event: ModelPromoted) -> None:
        """Serve the promoted model in this process from now on."""
        await self.models.refresh()

    async def renew(self, event: ModelPromoted) -> list[Image]:
        """Judge every image again by the promoted model, from stored features, and tell what has changed.

        The newest first, which people are looking at; for others see `current`. Those that come in meanwhile
        are judged as they come.
        Subscribers hear of a batch before the next one is made, and that is part of the work.
        Returns those whose features are lost and could not be made again, for a reason of ours.
        """
        await self.models.refresh()
        serving, faulty, most = self.inference.serving, list[Image](), BATCH_BESIDE
        batch = await self._judged(serving, Q(), most)
        while batch and serving is self.inference.serving:  # else a later promotion renews
            began, films = monotonic(), self.inference.batches
            async with asyncio.TaskGroup() as both:
                coming = both.create_task(self._judged(serving, Q(id__lt=batch[-1][0].id), most))
                kept = both.create_task(self._keep(batch, serving))
            faulty += kept.result()
            await finding_changes.tell_of(self.outbox, [image.id for image, _ in batch])
            batch = coming.result()
            await self.outbox.heard(HEARD_SECONDS)
            if self.inference.batches != films:
                await asyncio.sleep(RESTS * (monotonic() - began))
            # A film that comes at last waits for no more than twice as many as could be done without one.
            most = min(2 * most, RENEWAL_BATCH) if self.inference.batches == films else BATCH_BESIDE
        await finding_changes.tell(self.outbox, serving.model_id)
        return faulty

    async def current(self, image_ids: Iterable[int]) -> dict[int, Prediction]:
        """As `predictions.current`; somebody looks, so what a renewal has yet to come to is judged now."""
        wanted = set(image_ids)
        found = await predictions.current(wanted)
        if missing := wanted - found.keys():
            try:
                if await self._judge_now(missing):
                    found |= await predictions.current(missing)
            except Exception:
                logger.exception("images could not be judged before their turn")
        return found

    async def _judge_now(self, image_ids: Collection[int]) -> bool:
        """Judge those of which there are features; whether there were any."""
        await self.models.refresh()
        serving = self.inference.serving
        batch = await self._judged(serving, Q(id__in=image_ids), len(image_ids))
        if judged := [(image, judgement) for image, judgement in batch if judgement is not None]:
            await self._record_together(judged, serving)
            await finding_changes.tell_of(self.outbox, [image.id for image, _ in judged])
        return bool(judged)

    async def diagnose_again(self, image: Image) -> bool:
        """As `diagnose`, of one among many; False where it failed for a reason of ours."""
        try:
            await self.diagnose(ImageUploaded(image.id))
        except Exception:
            logger.exception("image %d: its features could not be made", image.id)
            return False
        return True

    async def _judged(self, serving: Serving, which: Q, most: int) -> list[tuple[Image, Judgement | None]]:
        """The newest such images and what the model says of them; None where the features are lost."""
        name = self.inference.extractor.name
        query = Image.without_prediction_by(serving.model_id, name).filter(which)
        images = await query.order_by("-id").limit(most).only(*RENEWED)
        features = await kept_features.read(self.blobs, name, [image.key for image in images])
        if known := [row for row in features if row is not None]:
            judgements = iter(await self.inference.compute(lambda: serving.head.judge(np.stack(known))))
        return [
            (image, None if row is None else next(judgements))
            for image, row in zip(images, features, strict=True)
        ]

    async def _keep(self, batch: list[tuple[Image, Judgement | None]], serving: Serving) -> list[Image]:
        """Record what was judged, and extract again what was lost; those of which that failed."""
        judged = [(image, judgement) for image, judgement in batch if judgement is not None]
        if judged:
            await self._record_together(judged, serving)
        lost = [image for image, judgement in batch if judgement is None]
        return [image for image in lost if not await self.diagnose_again(image)]

    async def _judge_until_current(self, image: Image, features: Array) -> None:
        """A promotion between judging and recording would leave the image to the old model alone.

        Nor does a process judge by that which was away when another was promoted.
        """
        serving, before = None, None
        await self.models.refresh()
        while serving is not self.inference.serving:
            before, serving = serving, self.inference.serving
            (judgement,) = await self.inference.compute(partial(serving.head.judge, features[None]))
            await self._record(image, serving, judgement)
            await self.models.refresh()
        if before is not None:
            await finding_changes.tell_of(self.outbox, [image.id])

    async def _features(self, image: Image) -> Array:
        name = self.inference.extractor.name
        if image.features == name:
            (kept,) = await kept_features.read(self.blobs, name, [image.key])
            if kept is not None:  # else they are extracted anew
                return kept
        prepared = await self._prepared(image)
        features = await self.inference.features(prepared)
        await self.blobs.put(features_key(name, image.key), await asyncio.to_thread(packing.pack, features))
        image.update_from_dict(found := {"features": name, "view": prepared.view})
        if not await Image.filter(id=image.id).update(**found):  # deleted meanwhile
            await self.blobs.delete([features_key(name, image.key)])
        return features

    async def _prepared(self, image: Image) -> Prepared:
        prepare = self.inference.extractor.prepare
        if (decoded := self.decoding.take(image.key)) is None:
            decoded = await self.decoding.decode(image)
        return await self.decoding.run(partial(prepare, decoded))

    async def _record_together(self, judged: list[tuple[Image, Judgement]], serving: Serving) -> None:
        """In one transaction, or, where an image was judged already or deleted meanwhile, in one for each."""
        owners = {image.id: image.owner_id for image, _ in judged}

        failed = [image.id for image, _ in judged if image.failure is not None]

        async def create() -> None:
            if failed:
                await Image.filter(id__in=failed).update(**UNFAILED)
            await insert(Prediction, (_prediction(image, serving, one) for image, one in judged))
            made = Prediction.filter(model_id=serving.model_id, image_id__in=list(owners)).order_by("id")
            rows = await made.values_list("id", "image_id")
            await record_all([PredictionMade(row, image, owners[image]) for row, image in rows])

        try:
            await self.outbox.commit(create)
            for _, judgement in judged:
                _count(judgement)
        except IntegrityError:
            for image, judgement in judged:
                await self._record(image, serving, judgement)

    async def _record(self, image: Image, serving: Serving, judgement: Judgement) -> None:
        async def create() -> None:
            await _unfail(image)
            prediction = await Prediction.create(**_prediction(image, serving, judgement))
            await record(PredictionMade(prediction.id, image.id, image.owner_id))

        try:
            await self.outbox.commit(create)
            _count(judgement)
        except IntegrityError:
            logger.debug("image %d: judged already, or deleted meanwhile", image.id)
            await _unfail(image)

    async def _fail(self, image: Image, reason: str, ours: bool) -> None:
        """Keep why, and tell the owner, unless the same has been told already."""
        failure = reason[:300]
        is_news = Q(failure__isnull=True) | ~Q(failure=failure)

        async def note() -> None:
            if await Image.filter(is_news, id=image.id).update(failure=failure, fault=ours):
                await record(PredictionFailed(image.id, image.owner_id))

        await self.outbox.commit(note)


async def _unfail(image: Image) -> None:
    if image.failure is not None:
        await Image.filter(id=image.id).update(**UNFAILED)


def _count(judgement: Judgement) -> None:
    finding = {None: judgement.abstained, True: Finding.COVID.value, False: Finding.NO_COVID.value}
    measurements.PREDICTIONS.labels(finding[judgement.covid]).inc()


def _prediction(image: Image, serving: Serving, judged: Judgement) -> dict[str, Any]:
    """The fields of a prediction."""
    judgement = judged.seen_as(image.view.value if image.view else None)
    return {
        "image_id": image.id,
        "model_id": serving.model_id,
        "finding": {None: None, True: Finding.COVID, False: Finding.NO_COVID}[judgement.covid],
        "probability": judgement.probability,
        "margin": abs(judgement.probability - serving.head.threshold),
        "abstained": AbstainReason(judgement.abstained) if judgement.abstained else None,
        "place": judgement.place,
        "distance": judgement.distance,
    }
