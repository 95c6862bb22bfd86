"""The classifier at work: micro-batches off the event loop, and the model in service."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ml.classifier import Judgement
from ml.image import Decoded
from ml.recipes import Prepared
from services import measurements, tracing

T = TypeVar("T")

HOLD_SECONDS = 0.002
"""How long a single image waits for company."""

Array = NDArray[np.floating]


class Extractor(Protocol):
    """From pictures to features; see `ml.classifier.FeatureExtractor`."""

    name: str
    batch_size: int

    def prepare(self, decoded: Decoded) -> Prepared: ...

    def extract(self, images: Sequence[Prepared]) -> Array: ...

    def maps(self, image: Prepared) -> Array: ...


class Head(Protocol):
    """Judgements from features; see `ml.classifier.Classifier`."""

    threshold: float

    def judge(self, features: Array) -> list[Judgement]: ...

    def heat(self, maps: Array) -> Array: ...


@dataclass(frozen=True)
class Serving:
    """A model version with its head on the device."""

    model_id: int
    deployment: int
    head: Head


class Inference:
    """One thread that computes, fed in micro-batches; the model in service is one reference."""

    def __init__(self, extractor: Extractor) -> None:
        self.extractor = extractor
        self._serving: Serving | None = None
        self._waiting: asyncio.Queue[tuple[Prepared, asyncio.Future[Array]]] = asyncio.Queue()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="inference")
        self.batches = 0
        """Of images that were computed since the start."""

    @property
    def serving(self) -> Serving:
        if self._serving is None:
            raise RuntimeError("no model has been put in service")
        return self._serving

    @property
    def deployment(self) -> int:
        """The number of the deployment in force here; 0 before the first."""
        return self._serving.deployment if self._serving else 0

    @property
    def queue_length(self) -> int:
        """Images that wait to be computed."""
        return self._waiting.qsize()

    def put_in_service(self, serving: Serving) -> None:
        """Swap one reference; whoever computes at this moment finishes with the model it began with."""
        if serving.deployment > self.deployment:  # two swaps may overtake each other
            self._serving = serving

    async def features(self, image: Prepared) -> Array:
        """The features of one prepared image as a float16 vector."""
        answer: asyncio.Future[Array] = asyncio.get_running_loop().create_future()
        with tracing.span("features"):
            await self._waiting.put((image, answer))
            return await answer

    async def compute(self, work: Callable[[], T]) -> T:
        """Run ``work`` in the thread that computes, after what waits there."""
        with tracing.span("compute"):
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def serve(self) -> None:
        """Answer for ever: a batch is whatever came within the hold, or while the last one ran."""
        while True:
            batch = [item for item in await self._gather() if not item[1].cancelled()]
            if batch:
                await self._run(batch)

    async def _gather(self) -> list[tuple[Prepared, asyncio.Future[Array]]]:
        batch = [await self._waiting.get()]
        deadline = asyncio.get_running_loop().time() + HOLD_SECONDS
        while len(batch) < self.extractor.batch_size:
            try:
                async with asyncio.timeout_at(deadline):
                    batch.append(await self._waiting.get())
            except TimeoutError:
                break
        return batch

    async def _run(self, batch: list[tuple[Prepared, asyncio.Future[Array]]]) -> None:
        measurements.BATCHES.observe(len(batch))
        self.batches += 1
        try:
            with measurements.INFERENCE.time():
                rows = await self.compute(lambda: self.extractor.extract([image for image, _ in batch]))
        except Exception as error:
            for _, answer in batch:
                _settle(answer, error)
        else:
            for (_, answer), row in zip(batch, rows, strict=True):
                _settle(answer, row)


def _settle(answer: asyncio.Future[Array], outcome: Array | Exception) -> None:
    if answer.cancelled():
        return
    if isinstance(outcome, Exception):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)
