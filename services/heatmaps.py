"""Heatmaps of predictions: drawn when they are first asked for, then kept."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import suppress
from functools import partial

from ml import explain
from ml.recipes import Prepared
from services.decoding import Decoding
from services.inference import Array, Head, Inference
from services.keys import heatmap_key
from services.links import Asked
from services.models import ModelFileLost, Models
from services.permissions import may_see
from services.viewers import Viewers
from store.blobs import BlobMissing, Blobs
from store.disk import NotKept
from store.tables import AbstainReason, Image, ModelVersion, Prediction

AT_ONCE = 2
"""Heatmaps in hand; a prediction waits for no more than these in the thread that computes."""
HEADS_KEPT = 4
"""Of models that serve no more; the paper's heads take 20 MB each."""


class CannotDraw(Exception):
    """Why there can be no heatmap of this prediction now."""


def has_heatmap(prediction: Prediction) -> bool:
    """What is no chest X-ray has none: there is nothing in it to explain."""
    return prediction.abstained is not AbstainReason.NOT_A_CHEST_XRAY


class Heatmaps:
    """The use case of looking where the model of a prediction saw COVID."""

    def __init__(
        self, blobs: Blobs, inference: Inference, models: Models, decoding: Decoding, viewers: Viewers
    ) -> None:
        self.blobs = blobs
        self.inference = inference
        self.models = models
        self.decoding = decoding
        self.viewers = viewers
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._under_way: dict[int, asyncio.Task[bytes]] = {}
        self._heads: OrderedDict[int, Head] = OrderedDict()

    async def png(self, asked: Asked) -> bytes | None:
        """The heatmap, at an address that is good, while its viewer may see the image.

        However many ask, it is drawn once.

        Raises:
            CannotDraw: the model or the network that it reads is here no more.
        """
        prediction = await self._seen(asked)
        if prediction is None or not has_heatmap(prediction):
            return None
        if prediction.id not in self._under_way:
            task = asyncio.create_task(self._kept_or_drawn(prediction))
            task.add_done_callback(lambda _: self._under_way.pop(prediction.id))
            self._under_way[prediction.id] = task
        try:
            return await asyncio.shield(self._under_way[prediction.id])
        except BlobMissing:  # the image was deleted at this moment
            return None

    async def _seen(self, asked: Asked) -> Prediction | None:
        """The prediction of an address that is good, if its viewer may still see the image."""
        viewer = await self.viewers.find("heatmaps", asked)
        if viewer is None:
            return None
        found = await Prediction.get_or_none(id=asked.number).select_related("image", "model")
        return found if found and may_see(viewer, found.image) else None

    async def _kept_or_drawn(self, prediction: Prediction) -> bytes:
        key = heatmap_key(prediction.model_id, prediction.image.key)
        try:
            return await self.blobs.get(key)
        except BlobMissing:
            async with self._turn:
                drawn = await self._draw(prediction)
        with suppress(NotKept):  # it is seen all the same, and drawn again the next time
            await self.blobs.put(key, drawn)
        if not await Image.exists(id=prediction.image_id):  # deleted meanwhile
            await self.blobs.delete([key])
        return drawn

    async def _draw(self, prediction: Prediction) -> bytes:
        head = await self._head(prediction.model)
        decoded = await self.decoding.decode(prediction.image)
        prepared = await self.decoding.run(partial(self.inference.extractor.prepare, decoded))
        found = await self.inference.compute(partial(self._heat, head, prepared))
        return await self.decoding.run(partial(explain.overlay, decoded, found, prepared.seen))

    def _heat(self, head: Head, prepared: Prepared) -> Array:
        return head.heat(self.inference.extractor.maps(prepared))

    async def _head(self, model: ModelVersion) -> Head:
        """The head of the model that made the prediction, whether or not it serves."""
        if self.inference.serving.model_id == model.id:
            return self.inference.serving.head
        if model.id not in self._heads:
            self._heads[model.id] = await self._load(model)
        self._heads.move_to_end(model.id)
        if len(self._heads) > HEADS_KEPT:
            self._heads.popitem(last=False)
        return self._heads[model.id]

    async def _load(self, model: ModelVersion) -> Head:
        if model.extractor != self.inference.extractor.name:
            raise CannotDraw(f"model {model.number} reads {model.extractor}, which is not served here now")
        try:
            return await self.models.load(model)
        except ModelFileLost as error:
            raise CannotDraw(f"the file of model {model.number} is missing or damaged") from error
