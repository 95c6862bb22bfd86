"""What serving uses: images to features and features to probabilities, compiled beforehand."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import SingleDeviceSharding

from ml import explain, heads, recipes, usual
from ml.backbone import Backbone
from ml.image import Decoded
from ml.model_file import Model
from ml.orientation import ODD, View
from ml.recipes import Prepared, Recipe
from ml.weights import Weights

LARGEST_BATCH = 64
JUDGED_AT_ONCE = (1, 16, 64)
"""How many images a head takes: few sizes, since each is a program to compile; larger ones save little."""


@dataclass(frozen=True)
class Judgement:
    """What a model says of an image: the probability of COVID, 0..1, and a finding or why there is none.

    ``abstained`` is None, or NOT_A_CHEST_XRAY or OUT_OF_DISTRIBUTION, where the picture is unlike what the
    model knows, or UNCERTAIN, where the probability lies in the band that it leaves open. ``place`` is where
    the picture lies among chests, for `ml.label_queue`, and ``distance`` how far from them, for `ml.drift`:
    the score of `ml.novelty.Novelty`, None where that is no number.
    """

    probability: float
    covid: bool | None
    abstained: str | None = None
    place: str | None = None
    distance: float | None = None

    def seen_as(self, view: View | None) -> "Judgement":
        """The judgement, or none of a film whose view no model knows; it is a chest X-ray all the same."""
        return replace(self, covid=None, abstained="OUT_OF_DISTRIBUTION") if view in ODD else self


class BackboneMismatch(ValueError):
    """A model was trained on the features of another backbone."""


class FeatureExtractor:
    """A recipe's network on a device. Batches are padded to powers of two, so that few are compiled."""

    def __init__(
        self, weights: Weights, recipe: Recipe = recipes.CHEST, device: jax.Device | None = None
    ) -> None:
        self.device = device or jax.local_devices()[0]  # of several processes each has its own
        self.recipe = recipe
        self.batch_size = recipe.cpu_batch if self.device.platform == "cpu" else LARGEST_BATCH
        self.backbone = recipe.backbone(weights.sha256)
        self.name = self.backbone.name
        fastest = recipe.for_platform(weights.variables, self.device.platform)
        self._variables = jax.device_put(fastest, self.device)
        self._compiled: dict[int, jax.stages.Compiled] = {}

    def prepare(self, decoded: Decoded) -> Prepared:
        """What the network is to see of a picture."""
        return self.recipe.prepare(decoded)

    def extract(self, images: Sequence[Prepared]) -> np.ndarray:
        """Features (N, F) float16 of prepared images; see `ml.recipes.Recipe`."""
        if not images:
            return np.empty((0, self.recipe.features), np.float16)
        pixels = np.array([image.pixels for image in images], np.float32)
        measures = np.array([image.measures for image in images], np.float16)
        parts = [self._extract(batch, count) for batch, count in _padded(pixels, self._sizes)]
        return np.concatenate([np.concatenate(parts), measures], axis=1)

    def maps(self, image: Prepared) -> np.ndarray:
        """The maps (H, W, C) float32 that the features of a prepared image are read from."""
        pixels = jax.device_put(image.pixels[None], self.device)
        maps: np.ndarray = np.asarray(self.recipe.maps(self._variables, pixels))[0]
        return maps

    def warm_up(self) -> None:
        """Compile every batch size, so that no request waits for it, and run the smallest."""
        for size in self._sizes:
            self._batch_of(size)
        self._extract(np.zeros((1, self.recipe.side, self.recipe.side), np.float32), 1)

    @property
    def _sizes(self) -> list[int]:
        return [1 << power for power in range(self.batch_size.bit_length())]

    def _extract(self, batch: np.ndarray, count: int) -> np.ndarray:
        run = self._batch_of(len(batch))
        features = run(self._variables, jax.device_put(batch, self.device))
        return np.asarray(features)[:count].astype(np.float16)

    def _batch_of(self, size: int) -> jax.stages.Compiled:
        """The program for a batch size, compiled ahead: to compile it by running it takes longer."""
        if size not in self._compiled:
            batch = jax.ShapeDtypeStruct(
                (size, self.recipe.side, self.recipe.side),
                np.float32,
                sharding=SingleDeviceSharding(self.device),
            )
            self._compiled[size] = jax.jit(self.recipe.extract).lower(self._variables, batch).compile()
        return self._compiled[size]


class Classifier:
    """A model's head on a device. Another head is another classifier, and compiles nothing new."""

    def __init__(self, model: Model, backbone: Backbone, device: jax.Device | None = None) -> None:
        """Raises BackboneMismatch if the model reads other features than those of ``backbone``."""
        if model.backbone != backbone:
            raise BackboneMismatch(
                f"the model reads features of {model.backbone.name}, and these are of {backbone.name}"
            )
        self.model = model
        self.threshold = model.threshold
        self.device = device or jax.local_devices()[0]  # of several processes each has its own
        # In float32 here, once, rather than in every prediction.
        single = jax.tree.map(lambda leaf: leaf.astype(np.float32), model.head.params)
        self._params = jax.device_put(single, self.device)

    def predict(self, features: np.ndarray) -> np.ndarray:
        """The probability of COVID (N,) float32 for features (N, F)."""
        parts = [self._predict(batch, count) for batch, count in _padded(features, JUDGED_AT_ONCE)]
        return np.concatenate(parts) if parts else np.empty(0, np.float32)

    def judge(self, features: np.ndarray) -> list[Judgement]:
        """A judgement for each of N images, by their features (N, F)."""
        parts = (self._judge(batch, count) for batch, count in _padded(features, JUDGED_AT_ONCE))
        return [judgement for part in parts for judgement in part]

    def _judge(self, batch: np.ndarray, count: int) -> list[Judgement]:
        moved = self._moved(batch)
        probabilities = np.asarray(heads.probability(self._params, moved))[:count]
        distances, places = self.model.distances_and_places(np.asarray(_widened(moved))[:count])
        reasons = self.model.abstentions(distances, probabilities)
        judged = zip(probabilities.tolist(), reasons, places, distances.tolist(), strict=True)
        return [self._judgement(*one) for one in judged]

    def _judgement(
        self, probability: float, abstained: str | None, place: str | None, distance: float
    ) -> Judgement:
        covid = None if abstained else probability >= self.threshold
        return Judgement(probability, covid, abstained, place, distance if math.isfinite(distance) else None)

    def heat(self, maps: np.ndarray) -> np.ndarray:
        """Where (H, W) in the maps (H, W, C) of an image the model sees COVID; see `ml.explain.heat`."""
        read = recipes.of(self.model.backbone).read
        moved = jax.device_put(maps[None], self.device)
        found: np.ndarray = explain.heat(self._params, moved, read, usual.maps_of(self.model.backbone))[0]
        return found

    def warm_up(self) -> None:
        """Compile every batch size, so that no request waits for it."""
        for size in JUDGED_AT_ONCE:
            self.judge(np.zeros((size, recipes.of(self.model.backbone).features), np.float16))

    def _predict(self, batch: np.ndarray, count: int) -> np.ndarray:
        return np.asarray(heads.probability(self._params, self._moved(batch)))[:count]

    def _moved(self, batch: np.ndarray) -> jax.Array:
        moved: jax.Array = jax.device_put(batch.astype(np.float16, copy=False), self.device)
        return moved


@jax.jit
def _widened(features: jax.Array) -> jax.Array:
    """Features (N, F) in float32; numpy takes four times as long over it."""
    return jnp.asarray(features, jnp.float32)


def _padded(rows: np.ndarray, sizes: Sequence[int]) -> Iterator[tuple[np.ndarray, int]]:
    """Batches of the sizes, smallest first, filled up with zeros, and how many rows of each are real."""
    for start in range(0, len(rows), sizes[-1]):
        batch = rows[start : start + sizes[-1]]
        size = next(size for size in sizes if size >= len(batch))
        padding = np.zeros((size - len(batch), *rows.shape[1:]), rows.dtype)
        yield np.concatenate([batch, padding]), len(batch)
