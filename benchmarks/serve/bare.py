"""The bare model, without any server: from a file's bytes to its finding, as fast as it goes.

Run as a process of its own, which says a line of JSON:
`python -m benchmarks.serve.bare FOLDER IMAGES SECONDS`.
"""

from __future__ import annotations

import json
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from time import perf_counter

import numpy as np

from api import classifier
from ml import image, model_file
from ml.classifier import Classifier, FeatureExtractor
from ml.recipes import Prepared
from services.decoding import THREADS

AHEAD = 8
"""Films that are prepared while the network computes."""


@dataclass(frozen=True)
class Model:
    """The default model and its network, warm."""

    extractor: FeatureExtractor
    head: Classifier

    @classmethod
    def load(cls, data: Path) -> Model:
        classifier.prepare_jax(data, "auto")
        beginning = classifier.load_beginning(data)
        head = classifier.load_head(model_file.save(beginning.default.model), beginning.extractor)
        return cls(beginning.extractor, head)

    def prepared(self, data: bytes) -> Prepared:
        return self.extractor.prepare(image.decode(data))

    def judge(self, prepared: Prepared) -> None:
        self.head.judge(self.extractor.extract([prepared]))


def forward(model: Model, films: list[bytes], seconds: float) -> list[float]:
    """Seconds of each forward pass of the network alone."""
    prepared = [model.prepared(film) for film in films[:AHEAD]]
    taken, until = list[float](), perf_counter() + seconds
    for one in cycle(prepared):
        began = perf_counter()
        model.extractor.extract([one])
        taken.append(perf_counter() - began)
        if perf_counter() > until:
            return taken
    raise AssertionError("there are no films")


def one_by_one(model: Model, films: list[bytes], seconds: float) -> list[float]:
    """Seconds from bytes to finding, with nothing else to do."""
    taken, until = list[float](), perf_counter() + seconds
    for film in cycle(films):
        began = perf_counter()
        model.judge(model.prepared(film))
        taken.append(perf_counter() - began)
        if perf_counter() > until:
            return taken
    raise AssertionError("there are no films")


def together(model: Model, films: list[bytes], seconds: float) -> float:
    """Findings a second, with films prepared in as many threads as the server has while others are judged."""
    with ThreadPoolExecutor(THREADS) as threads:
        coming = (threads.submit(model.prepared, film) for film in cycle(films))
        waiting: deque[Future[Prepared]] = deque(next(coming) for _ in range(AHEAD))
        began, count = perf_counter(), 0
        while perf_counter() - began < seconds:
            model.judge(waiting.popleft().result())
            waiting.append(next(coming))
            count += 1
        return count / (perf_counter() - began)


def films_in(folder: Path) -> list[bytes]:
    """Some films of a site, of both classes."""
    return [file.read_bytes() for file in sorted(folder.glob("*/*.jpg"))[::4]]


def _figures() -> Iterator[tuple[str, float]]:
    data, folder, seconds = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
    model, films = Model.load(data), films_in(folder)
    for name, taken in (
        ("forward", forward(model, films, seconds)),
        ("finding", one_by_one(model, films, seconds)),
    ):
        p50, p99 = np.percentile(taken, [50, 99]) * 1000
        yield f"{name}_p50_ms", float(p50)
        yield f"{name}_p99_ms", float(p99)
    yield "per_second", together(model, films, seconds)


if __name__ == "__main__":
    print(json.dumps(dict(_figures())))
