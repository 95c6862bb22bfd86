"""One way to spend time on images in a process of its own, turn by turn: a child of `benchmarks.retraining`.

Run with a name and a number of images, it says ``ready`` and then answers each line on its input with the
seconds of a turn: an epoch of head C on the same arrays by us or by Keras, or making features of films anew,
or reading as many that are kept. All have the cores that a trainer has.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np

SEED = 0
SIDE = 1024
"""Pixels of a film's side."""
DROPPED = 0.5

Turn = Callable[[], object]


def _lesson(count: int) -> tuple[np.ndarray, np.ndarray]:
    from benchmarks.retraining.laying_out import whole_features

    covid = np.arange(count) % 3 == 0
    return whole_features(covid, np.random.default_rng(SEED)), covid


def ours(count: int) -> Turn:
    """An epoch of head C by the product's own loop, from a file of float16 that is read as it goes."""
    import jax

    from ml import training
    from ml.heads import initialise
    from ml.mesh import all_devices, on_each
    from ml.rows import RowFile, join
    from ml.training import State, TrainingConfig, rmsprop

    features, covid = _lesson(count)
    file = Path(tempfile.mkdtemp()) / "features.f16"
    features.tofile(file)
    rows, labels = join(RowFile(file, features.shape)), covid.astype(np.float32)  # type: ignore[arg-type]
    config, mesh, params = TrainingConfig(epochs=0), all_devices(), initialise(jax.random.key(SEED))
    states = [on_each(State(params, rmsprop(config).init(params)), mesh)]

    def turn() -> object:
        key = jax.random.key(len(states))
        state, loss = training.train_epoch(states.pop(), rows, labels, key, config, mesh)
        states.append(jax.block_until_ready(state))
        return loss

    return turn


def keras_on(kind: type[np.floating]) -> Callable[[int], Turn]:
    """An epoch of the same layers by Keras's `fit` on jax, compiled, on arrays of one number format."""

    def contender(count: int) -> Turn:
        os.environ["KERAS_BACKEND"] = "jax"
        import keras  # type: ignore[import-untyped]

        from ml.heads import WIDTHS

        features, covid = _lesson(count)
        first, second, last = WIDTHS.values()
        layers = keras.layers
        model = keras.Sequential(
            [
                layers.Input(features.shape[1:]),
                layers.Dense(first, activation="relu"),
                layers.Dropout(DROPPED),
                layers.Dense(second, activation="relu"),
                layers.Dense(last, activation="sigmoid"),
            ]
        )
        model.compile(optimizer=keras.optimizers.RMSprop(1e-3), loss="binary_crossentropy", jit_compile=True)
        data, truth = features.astype(kind), np.stack([~covid, covid], axis=1).astype(np.float32)
        return lambda: model.fit(data, truth, batch_size=10, epochs=1, verbose=0)

    return contender


def extracting(network: str) -> Callable[[int], Turn]:
    """Decoding films, preparing them, and VGG16: what is done of an image when it is uploaded."""

    def contender(count: int) -> Turn:
        from PIL import Image

        from ml import recipes, weights
        from ml.classifier import FeatureExtractor
        from ml.image import decode

        grey = np.random.default_rng(SEED).integers(0, 256, (SIDE // 16, SIDE // 16), np.uint8)
        file = io.BytesIO()
        Image.fromarray(grey).resize((SIDE, SIDE)).save(file, "PNG")
        recipe = recipes.WHOLE if network == "whole" else recipes.CHEST
        with tempfile.TemporaryDirectory() as folder:
            extractor = FeatureExtractor(weights.load(Path(folder)), recipe)

        def turn() -> object:
            return extractor.extract([extractor.prepare(decode(file.getvalue())) for _ in range(count)])

        return turn

    return contender


def reading(network: str) -> Callable[[int], Turn]:
    """Reading features that are kept, as a run does of each image."""

    def contender(count: int) -> Turn:
        from ml import default_model
        from ml.features import pack, unpack

        one = _lesson(1)[0][0] if network == "whole" else default_model.load().base_set.features[0]
        kept = pack(one)
        return lambda: [unpack(kept) for _ in range(count)]

    return contender


CONTENDERS: dict[str, Callable[[int], Turn]] = {
    "ours": ours,
    "Keras, float32": keras_on(np.float32),
    "Keras, float16": keras_on(np.float16),
    "features of chests anew": extracting("chest"),
    "features of chests read": reading("chest"),
    "features of pictures anew": extracting("whole"),
    "features of pictures read": reading("whole"),
}


def main() -> None:
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[len(cores) // 2 :])  # as a trainer does
    turn = CONTENDERS[sys.argv[1]](int(sys.argv[2]))
    turn()
    print("ready", flush=True)
    for _ in sys.stdin:
        start = perf_counter()
        turn()
        print(perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
