"""The paper's perceptrons A, B and C, and our linear D: features in, the probability of COVID out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from ml.vgg16 import FEATURES

HeadName = Literal["A", "B", "C", "D"]
NAMES: tuple[HeadName, ...] = get_args(HeadName)
PAPER: tuple[HeadName, ...] = ("A", "B", "C")
# The layer, if any, whose output loses half of its units in each training step.
DROPOUT_AFTER: Mapping[HeadName, str | None] = {"A": None, "B": "dense2", "C": "dense1"}
DROPOUT = 0.5
WIDTHS = {"dense1": 200, "dense2": 64, "dense3": 2}

# {layer: {"kernel": (inputs, outputs), "bias": (outputs,)}}
Params = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Head:
    """A trained head: which of the four it is, and its parameters as numpy arrays.

    The perceptrons are trained in float32 and kept in float16, as features are: half the size, and the same
    head wherever it is judged, stored or served. D is small, and kept in float32.
    """

    name: HeadName
    params: Params


def layers(name: HeadName, features: int) -> dict[str, tuple[int, int]]:
    """The layers in order, each with its inputs and outputs, of a head that reads so many features."""
    if name == "D":
        return {"linear": (features, 1)}
    inputs = [features, *WIDTHS.values()]
    return {layer: (inputs[number], width) for number, (layer, width) in enumerate(WIDTHS.items())}


def inputs(head: Head) -> int:
    """How many features a head reads, from the first on."""
    first = "linear" if head.name == "D" else next(iter(WIDTHS))
    return len(head.params[first]["kernel"])


class Perceptron(nn.Module):
    """Dense 200, Dense 64, Dense 2: features (N, 25088) to the logits (N, 2) of no COVID and of COVID.

    The hidden layers are rectified: the paper names no activation, and with linear ones the three layers
    would be one. Kernels start Glorot-uniform and biases at zero, as Keras's do. With ``dropout_after`` the
    units of that layer are dropped, and the module needs the random stream ``dropout``.
    """

    dropout_after: str | None = None

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        for layer, width in WIDTHS.items():
            x = self._dense(layer, width, x)
            if layer != "dense3":
                x = nn.relu(x)
            if layer == self.dropout_after:
                x = nn.Dropout(DROPOUT, deterministic=False)(x)
        return x

    def _dense(self, name: str, width: int, x: jax.Array) -> jax.Array:
        start = nn.initializers.glorot_uniform()
        return nn.Dense(width, kernel_init=start, precision=jax.lax.Precision.HIGHEST, name=name)(x)


def initialise(key: jax.Array) -> Params:
    """Untrained parameters, float32; A, B and C start alike."""
    params: Params = Perceptron().init(key, jnp.zeros((1, FEATURES)))["params"]
    return params


@jax.jit
def probability(params: Params, features: jax.Array) -> jax.Array:
    """The probability of COVID (N,), 0..1 float32, for the features (N, F) that the head reads.

    Compiles once for each N, and nothing for another head of the same layers.
    """
    single = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), params)
    return nn.sigmoid(log_odds(single, features.astype(jnp.float32)))


def log_odds(params: Params, features: jax.Array) -> jax.Array:
    """The log-odds of COVID (N,), all in float32.

    A, B and C: the network's two sigmoid outputs are two opinions on one question, P(COVID) and 1 - P(COVID);
    their log-odds are averaged, (z_covid - z_no_covid) / 2. D: linear in the network's part of the features;
    what was measured while preparing the image is not its business.
    """
    if "linear" in params:
        kernel, bias = params["linear"]["kernel"], params["linear"]["bias"]
        odds = jnp.dot(features[:, : len(kernel)], kernel, precision=jax.lax.Precision.HIGHEST)
        summed: jax.Array = odds[:, 0] + bias
        return summed
    logits = Perceptron().apply({"params": params}, features)
    assert isinstance(logits, jax.Array)
    return (logits[:, 1] - logits[:, 0]) / 2


def pack(name: HeadName, params: Params) -> Head:
    """Trained parameters as a head, rounded as it is kept."""
    return Head(name, jax.tree.map(lambda leaf: np.asarray(leaf, kept_as(name)), params))


def kept_as(name: HeadName) -> type[np.floating[Any]]:
    """The number format of a head's parameters at rest."""
    return np.float32 if name == "D" else np.float16
