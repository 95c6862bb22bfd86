"""Head D: regularised logistic regression by whole-batch L-BFGS: there is one answer, and no luck in it."""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh

from ml import lbfgs
from ml.blocks import Blocks
from ml.heads import Head, pack
from ml.lbfgs import State
from ml.mesh import everywhere, gathered
from ml.rows import Features, blocks

STEPS = 10
"""L-BFGS steps in an epoch: after ten epochs the default model's loss stands still in its sixth digit."""
STRENGTH = 300.0
"""C, what the images weigh against the penalty: chosen on two sites, where all is flat from 100 to 3,000."""


class Scale(NamedTuple):
    """The features' mean (P,) float64, and the root of the mean square of their lengths about it."""

    mean: np.ndarray
    root: float


def scale_of(features: Features, inputs: int) -> Scale:
    """Of a network's features, the first so many of (N, F), in one pass."""
    total, squares = np.zeros(inputs), 0.0
    for block in blocks(features):
        part = block[:, :inputs].astype(np.float32)
        total += part.sum(axis=0, dtype=np.float64)
        squares += float(np.einsum("nf,nf->n", part, part).sum(dtype=np.float64))
    mean = total / len(features)
    variance = max(0.0, squares / len(features) - float(mean @ mean))
    return Scale(mean, variance**0.5 or 1.0)


@dataclass(frozen=True, eq=False)
class Lessons:
    """Features (N, F) in blocks, the first P of which are read as if scaled, and labels (N,) of 0 and 1.

    Nothing is scaled: weights of scaled features are taken to weights of those that are there, and gradients
    back. So no copy of them is needed, in float16 or wider.
    """

    blocks: Blocks
    scale: Scale
    labels: np.ndarray

    @property
    def inputs(self) -> int:
        """How many features are read: P."""
        return len(self.scale.mean)

    def loss(self, point: np.ndarray, used: np.ndarray) -> tuple[float, np.ndarray]:
        """The mean cross-entropy of the used images, and the weights' squared length over 2 C N.

        Of weights and bias (P + 1,), and which images are used (N,) of 0 and 1; with its gradient (P + 1,).
        """
        kernel, bias = self._unscaled(point)
        entropy, pulled, pull = 0.0, np.zeros(len(kernel)), 0.0
        columns = zip(self.blocks, self.blocks.cut(self.labels), self.blocks.cut(used), strict=True)
        for block in columns:
            found = sums(*block, kernel, bias, self.blocks.mesh)
            entropy, pulled, pull = (
                so_far + np.asarray(more, np.float64)
                for so_far, more in zip((entropy, pulled, pull), found, strict=True)
            )
        weights, count = point[:-1].astype(np.float64), float(used.sum())
        scaled = (pulled[: self.inputs] - pull * self.scale.mean) / self.scale.root
        gradient = np.append(scaled + weights / STRENGTH, pull) / count
        return float(entropy + weights @ weights / (2 * STRENGTH)) / count, gradient

    def log_odds(self, point: np.ndarray) -> np.ndarray:
        """The log-odds of COVID (N,) of all images, before calibration."""
        kernel, bias = self._unscaled(point)
        found = [gathered(_log_odds(features, kernel, bias)) for features in self.blocks]
        return np.concatenate(found)[: len(self.labels)]

    def head(self, point: np.ndarray, slope: float = 1.0, intercept: float = 0.0) -> Head:
        """The head that reads features as they are; ``slope`` and ``intercept`` calibrate its log-odds."""
        kernel = np.float64(point[:-1]) / self.scale.root * slope
        bias = float(point[-1]) * slope + intercept - kernel @ self.scale.mean
        return pack("D", {"linear": {"kernel": kernel.reshape(-1, 1), "bias": np.array([bias])}})

    def _unscaled(self, point: np.ndarray) -> tuple[np.ndarray, np.float32]:
        """The same for features as they are, with weights of 0 for those that are not read."""
        kernel = np.zeros(self.blocks.features.shape[1])
        kernel[: self.inputs] = np.float64(point[:-1]) / self.scale.root
        bias = float(point[-1]) - kernel[: self.inputs] @ self.scale.mean
        return kernel.astype(np.float32), np.float32(bias)


def start(inputs: int) -> State:
    """Weights and bias of zero, (P + 1,)."""
    return lbfgs.start(inputs + 1)


def train_epoch(state: State, lessons: Lessons, used: np.ndarray) -> tuple[State, np.ndarray]:
    """Ten steps of L-BFGS; ``used`` (N,) of 0 and 1 says which images teach. Returns the loss after them."""
    objective = partial(lessons.loss, used=used)
    state = jax.tree.map(np.asarray, state)
    for _ in range(STEPS):
        state = lbfgs.step(state, objective)
    return state, state.loss


@partial(jax.jit, static_argnames="mesh")
def sums(
    features: jax.Array, labels: jax.Array, used: jax.Array, kernel: jax.Array, bias: jax.Array, mesh: Mesh
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Over a block's used images: cross-entropy (), and its gradient by kernel (F,) and bias ()."""
    single = features.astype(jnp.float32)
    odds = jnp.dot(single, kernel, precision=jax.lax.Precision.HIGHEST) + bias
    entropy = jnp.sum(used * optax.sigmoid_binary_cross_entropy(odds, labels))
    pulls = used * (jax.nn.sigmoid(odds) - labels)
    pulled = jnp.dot(pulls, single, precision=jax.lax.Precision.HIGHEST)
    found: tuple[jax.Array, jax.Array, jax.Array]
    found = jax.lax.with_sharding_constraint((entropy, pulled, pulls.sum()), everywhere(mesh))
    return found


@jax.jit
def _log_odds(features: jax.Array, kernel: jax.Array, bias: jax.Array) -> jax.Array:
    return jnp.dot(features.astype(jnp.float32), kernel, precision=jax.lax.Precision.HIGHEST) + bias
