"""Inference: micro-batches off the event loop, and one model in service."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
import pytest

from ml.image import Decoded
from ml.recipes import Prepared
from services import inference as inference_module
from services.inference import Inference, Serving
from tests.stand_ins import Brightness


@dataclass
class Recorder:
    """An extractor that remembers its batches, can be held up, and can fail."""

    name: str = "recorder"
    batch_size: int = 4
    batches: list[list[int]] = field(default_factory=list)
    open: threading.Event = field(default_factory=threading.Event)
    fail: bool = False

    def __post_init__(self) -> None:
        self.open.set()

    def prepare(self, decoded: Decoded) -> Prepared:
        return Prepared(decoded.pixels)

    def extract(self, images: Sequence[Prepared]) -> np.ndarray:
        assert self.open.wait(10)
        assert threading.current_thread() is not threading.main_thread()
        self.batches.append([int(image.pixels[0]) for image in images])
        if self.fail:
            raise FloatingPointError("the device is on fire")
        return np.stack([image.pixels * 10 for image in images])


@pytest.fixture
def extractor() -> Recorder:
    return Recorder()


@asynccontextmanager
async def at_work(extractor: Recorder) -> AsyncIterator[Inference]:
    inference = Inference(extractor)
    serving = asyncio.create_task(inference.serve())
    try:
        yield inference
    finally:
        serving.cancel()
        await asyncio.wait([serving])
        assert serving.cancelled()


@pytest.fixture
async def inference(extractor: Recorder) -> AsyncIterator[Inference]:
    async with at_work(extractor) as working:
        yield working


def ask(inference: Inference, *numbers: int) -> list[asyncio.Task[np.ndarray]]:
    """The features of the images of these numbers, on their way."""
    return [
        asyncio.create_task(inference.features(Prepared(np.full(3, number, np.float32))))
        for number in numbers
    ]


async def answers(asked: Sequence[asyncio.Task[np.ndarray]]) -> list[int]:
    async with asyncio.timeout(10):
        return [int((await one)[0]) for one in asked]


async def busy(inference: Inference, extractor: Recorder) -> list[asyncio.Task[np.ndarray]]:
    """One image in the thread that computes, which waits until ``extractor.open`` is set."""
    extractor.open.clear()
    asked = ask(inference, 0)
    await asyncio.sleep(0.05)
    assert inference.queue_length == 0
    return asked


async def test_everyone_gets_the_features_of_her_own_image(inference: Inference) -> None:
    assert await answers(ask(inference, *range(50))) == [number * 10 for number in range(50)]


async def test_under_load_batches_are_full(inference: Inference, extractor: Recorder) -> None:
    first = await busy(inference, extractor)
    rest = ask(inference, *range(1, 11))
    await asyncio.sleep(0.01)
    extractor.open.set()
    await answers(first + rest)
    assert extractor.batches == [[0], [1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]


async def test_what_comes_within_the_hold_goes_together(
    inference: Inference, extractor: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference_module, "HOLD_SECONDS", 0.2)
    asked = ask(inference, 1)
    await asyncio.sleep(0.02)
    await answers(asked + ask(inference, 2))
    assert extractor.batches == [[1, 2]]


async def test_a_single_image_waits_no_longer_than_the_hold(
    inference: Inference, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference_module, "HOLD_SECONDS", 0.1)
    started = asyncio.get_running_loop().time()
    await answers(ask(inference, 1))
    assert 0.09 <= asyncio.get_running_loop().time() - started < 2


async def test_a_full_batch_does_not_wait_at_all(
    inference: Inference, extractor: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference_module, "HOLD_SECONDS", 30)
    await answers(ask(inference, 1, 2, 3, 4))
    assert extractor.batches == [[1, 2, 3, 4]]


async def test_a_failure_reaches_everyone_who_waits_and_nobody_else(
    inference: Inference, extractor: Recorder
) -> None:
    first = await busy(inference, extractor)
    rest = ask(inference, 1, 2, 3)
    extractor.fail = True
    extractor.open.set()
    outcomes = await asyncio.gather(*first, *rest, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [FloatingPointError] * 4
    extractor.fail = False
    assert await answers(ask(inference, 7)) == [70]


async def test_those_who_go_away_take_nobody_along(inference: Inference, extractor: Recorder) -> None:
    first = await busy(inference, extractor)
    rest = ask(inference, 1, 2, 3, 4, 5, 6)
    await asyncio.sleep(0.01)
    for gone in (first[0], rest[0], rest[2]):
        gone.cancel()
    extractor.open.set()
    assert await answers([rest[1], *rest[3:]]) == [20, 40, 50, 60]
    assert extractor.batches == [[0], [2, 4], [5, 6]]


async def test_a_batch_of_which_all_have_gone_is_not_computed(
    inference: Inference, extractor: Recorder
) -> None:
    first = await busy(inference, extractor)
    rest = ask(inference, 1, 2, 3, 4)
    await asyncio.sleep(0.01)
    for gone in rest:
        gone.cancel()
    last = ask(inference, 5)
    extractor.open.set()
    assert await answers(first + last) == [0, 50]
    assert extractor.batches == [[0], [5]]


async def test_the_event_loop_turns_while_it_computes(inference: Inference, extractor: Recorder) -> None:
    asked = await busy(inference, extractor)
    turns = 0
    while turns < 100:
        await asyncio.sleep(0)
        turns += 1
    assert not asked[0].done()
    extractor.open.set()
    assert await answers(asked) == [0]


async def test_other_work_takes_its_turn_in_the_same_thread(
    inference: Inference, extractor: Recorder
) -> None:
    names = {await inference.compute(lambda: threading.current_thread().name) for _ in range(5)}
    assert len(names) == 1
    first = await busy(inference, extractor)
    work = asyncio.create_task(inference.compute(lambda: len(extractor.batches)))
    await asyncio.sleep(0.01)
    assert not work.done()
    extractor.open.set()
    assert await work == 1
    await answers(first)


async def test_tells_how_many_wait(inference: Inference, extractor: Recorder) -> None:
    asked = await busy(inference, extractor) + ask(inference, 1, 2, 3)
    await asyncio.sleep(0.01)
    assert inference.queue_length == 3
    extractor.open.set()
    await answers(asked)
    assert inference.queue_length == 0


def test_without_a_model_nothing_serves(extractor: Recorder) -> None:
    inference = Inference(extractor)
    assert inference.deployment == 0
    with pytest.raises(RuntimeError):
        _ = inference.serving


def test_the_newest_deployment_serves_whichever_arrives_first(extractor: Recorder) -> None:
    inference = Inference(extractor)
    for deployment, expected in ((2, 2), (1, 2), (2, 2), (5, 5), (4, 5)):
        inference.put_in_service(Serving(deployment * 100, deployment, Brightness(b"0.5")))
        assert (inference.deployment, inference.serving.model_id) == (expected, expected * 100)
