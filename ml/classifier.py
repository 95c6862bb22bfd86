"""What serving uses: images to features and features to probabilities, compiled beforehand."""

from collections.abc import Iterator, Sequence

import jax
import numpy as np

from ml import heads, vgg16
from ml.backbone import Backbone
from ml.image import PREPROCESSING
from ml.model_file import Model
from ml.weights import Weights

LARGEST_BATCH = {"cpu": 8, "gpu": 64}
LARGEST_PREDICTION = 256


class BackboneMismatch(ValueError):
    """A model was trained on the features of another backbone."""


class FeatureExtractor:
    """VGG16 on a device. Batches are padded to powers of two, so that few shapes are ever compiled."""

    def __init__(self, weights: Weights, device: jax.Device | None = None) -> None:
        self.device = device or jax.devices()[0]
        self.batch_size = LARGEST_BATCH.get(self.device.platform, 8)
        self.backbone = Backbone("vgg16", weights.sha256, PREPROCESSING)
        self.name = self.backbone.name
        self._variables = jax.device_put(weights.variables, self.device)

    def extract(self, images: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
        """Features (N, 25088) float16 of prepared images, each (224, 224) float32 in 0..1."""
        stacked = np.asarray(images, np.float32).reshape(-1, vgg16.SIDE, vgg16.SIDE)
        parts = [self._extract(batch, count) for batch, count in _padded(stacked, self.batch_size)]
        return np.concatenate(parts) if parts else np.empty((0, vgg16.FEATURES), np.float16)

    def warm_up(self) -> None:
        """Compile every batch size, so that no request waits for it."""
        size = 1
        while size <= self.batch_size:
            self.extract(np.zeros((size, vgg16.SIDE, vgg16.SIDE), np.float32))
            size *= 2

    def _extract(self, batch: np.ndarray, count: int) -> np.ndarray:
        features = vgg16.extract(self._variables, jax.device_put(batch, self.device))
        return np.asarray(features)[:count].astype(np.float16)


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
        self.device = device or jax.devices()[0]
        # In float32 here, once, rather than in every prediction.
        single = jax.tree.map(lambda leaf: leaf.astype(np.float32), model.head.params)
        self._params = jax.device_put(single, self.device)

    def predict(self, features: np.ndarray) -> np.ndarray:
        """The probability of COVID (N,) float32 for features (N, 25088)."""
        parts = [self._predict(batch, count) for batch, count in _padded(features, LARGEST_PREDICTION)]
        return np.concatenate(parts) if parts else np.empty(0, np.float32)

    def warm_up(self) -> None:
        """Compile and run the commonest shape, a single image."""
        self.predict(np.zeros((1, vgg16.FEATURES), np.float16))

    def _predict(self, batch: np.ndarray, count: int) -> np.ndarray:
        moved = jax.device_put(batch.astype(np.float16), self.device)
        return np.asarray(heads.probability(self._params, moved))[:count]


def _padded(rows: np.ndarray, largest: int) -> Iterator[tuple[np.ndarray, int]]:
    """Batches of at most ``largest`` rows, zeros up to a power of two, and how many rows are real."""
    for start in range(0, len(rows), largest):
        batch = rows[start : start + largest]
        size = 1 << (len(batch) - 1).bit_length()
        padding = np.zeros((size - len(batch), *rows.shape[1:]), rows.dtype)
        yield np.concatenate([batch, padding]), len(batch)
