"""Head D: regularised logistic regression by whole-batch L-BFGS: there is one answer, and no luck in it."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ml.heads import Head, pack

STEPS = 10
"""L-BFGS steps in an epoch: after ten epochs the default model's loss stands still in its sixth digit."""
MEMORY = 20
STRENGTH = 300.0
"""C, what the images weigh against the penalty: chosen on two sites, where all is flat from 100 to 3,000."""

Weights = dict[str, jax.Array]


class State(NamedTuple):
    """Weights (P,) and bias (), and what L-BFGS remembers."""

    params: Weights
    optimiser: optax.OptState


class Scaled(NamedTuple):
    """Features (N, P) less their mean (P,), over the root of their mean square length."""

    features: np.ndarray
    mean: np.ndarray
    scale: float


def scaled(features: np.ndarray) -> Scaled:
    """A network's features (N, P), ready for training."""
    single = features.astype(np.float32)
    mean = single.mean(axis=0)
    single -= mean
    scale = float(np.sqrt((single**2).sum(axis=1).mean())) or 1.0
    single /= scale
    return Scaled(single, mean, scale)


def unscaled(params: Weights, data: Scaled, slope: float = 1.0, intercept: float = 0.0) -> Head:
    """The head that reads features as they are; ``slope`` and ``intercept`` calibrate its log-odds."""
    kernel = np.float64(params["weights"]) / data.scale * slope
    bias = float(params["bias"]) * slope + intercept - kernel @ data.mean
    return pack("D", {"linear": {"kernel": kernel.reshape(-1, 1), "bias": np.array([bias])}})


def start(inputs: int) -> State:
    """Weights of zero."""
    params = {"weights": jnp.zeros(inputs), "bias": jnp.zeros(())}
    return State(params, _solver().init(params))


@jax.jit
def train_epoch(
    state: State, features: jax.Array, labels: jax.Array, used: jax.Array
) -> tuple[State, jax.Array]:
    """Ten steps of L-BFGS with a zoom line search (Nocedal and Wright 2006, algorithms 7.5 and 3.5).

    Scaled features (N, P), labels (N,) of 0 and 1, and which images are used (N,) of 0 and 1. Returns the
    loss at the last step.
    """
    loss = partial(loss_fn, features=features, labels=labels, used=used)
    loss_and_gradient = optax.value_and_grad_from_state(loss)

    def step(state: State, _: None) -> tuple[State, jax.Array]:
        value, gradient = loss_and_gradient(state.params, state=state.optimiser)
        updates, optimiser = _solver().update(
            gradient, state.optimiser, state.params, value=value, grad=gradient, value_fn=loss
        )
        return State(optax.apply_updates(state.params, updates), optimiser), value

    state, losses = jax.lax.scan(step, state, length=STEPS)
    return state, losses[-1]


def loss_fn(params: Weights, features: jax.Array, labels: jax.Array, used: jax.Array) -> jax.Array:
    """The mean cross-entropy of the used images, and the weights' squared length over 2 C N."""
    logits = jnp.dot(features, params["weights"], precision=jax.lax.Precision.HIGHEST) + params["bias"]
    entropy = jnp.average(optax.sigmoid_binary_cross_entropy(logits, labels), weights=used)
    return entropy + jnp.sum(params["weights"] ** 2) / (2 * STRENGTH * used.sum())


def log_odds(params: Weights, features: jax.Array) -> jax.Array:
    """The log-odds of COVID (N,) for scaled features (N, P), before calibration."""
    return features @ params["weights"] + params["bias"]


def _solver() -> optax.GradientTransformationExtraArgs:
    return optax.lbfgs(memory_size=MEMORY)
