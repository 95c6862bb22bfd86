"""Trains a head on stored features: Keras's RMSProp, whole epochs compiled, everything from one seed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from ml.heads import DROPOUT_AFTER, Head, HeadName, Params, Perceptron, initialise, pack

OnEpoch = Callable[[int, float], None]


def unheard(epoch: int, loss: float) -> None:
    """For whoever does not follow the training."""


@dataclass(frozen=True)
class TrainingConfig:
    """The paper's Algorithm 2, with Keras's defaults where the paper is silent."""

    head: HeadName = "C"
    epochs: int = 20
    batch_size: int = 10
    learning_rate: float = 1e-3
    rho: float = 0.9
    epsilon: float = 1e-7
    seed: int = 0


class Batch(NamedTuple):
    """Features (B, 25088) float32, labels (B,) of 0 and 1, weights (B,), 0 where a short batch is padded."""

    features: jax.Array
    labels: jax.Array
    weights: jax.Array


class State(NamedTuple):
    """What training moves: the parameters, and RMSProp's running means of squared gradients."""

    params: Params
    optimiser: optax.OptState


def fit(
    features: np.ndarray,
    labels: np.ndarray,
    config: TrainingConfig,
    on_epoch: OnEpoch = unheard,
) -> Head:
    """Train a head on features (N, 25088) and labels (N,) of 0 and 1.

    After each epoch, counted from 1, ``on_epoch`` hears its number and mean loss; what it raises ends the
    training. The same seed gives the same bytes on one machine.
    """
    start, shuffles = jax.random.split(jax.random.key(config.seed))
    params = initialise(start)
    state = State(params, rmsprop(config).init(params))
    data = jnp.asarray(features), jnp.asarray(labels, jnp.float32)
    any_seed = replace(config, seed=0, epochs=0)  # so that one compilation serves them all
    for epoch in range(1, config.epochs + 1):
        state, loss = train_epoch(state, *data, jax.random.fold_in(shuffles, epoch), any_seed)
        on_epoch(epoch, float(loss))
    return pack(config.head, state.params)


@partial(jax.jit, static_argnames="config", donate_argnames="state")
def train_epoch(
    state: State, features: jax.Array, labels: jax.Array, key: jax.Array, config: TrainingConfig
) -> tuple[State, jax.Array]:
    """One pass in a new order, whose last batch may be short as in Keras. Returns the mean loss."""
    shuffle, dropout = jax.random.split(key)
    rows, weights = _batches(shuffle, len(labels), config.batch_size)

    def step(state: State, chosen: tuple[jax.Array, ...]) -> tuple[State, jax.Array]:
        rows, weights, number = chosen
        batch = Batch(features[rows].astype(jnp.float32), labels[rows], weights)
        return train_step(state, batch, jax.random.fold_in(dropout, number), config)

    state, losses = jax.lax.scan(step, state, (rows, weights, jnp.arange(len(rows))))
    return state, jnp.average(losses, weights=weights.sum(axis=1))


def train_step(
    state: State, batch: Batch, dropout: jax.Array, config: TrainingConfig
) -> tuple[State, jax.Array]:
    """One step of RMSProp on one batch. Returns the loss before it."""
    loss, gradients = jax.value_and_grad(loss_fn)(state.params, batch, dropout, config.head)
    updates, optimiser = rmsprop(config).update(gradients, state.optimiser, state.params)
    return State(optax.apply_updates(state.params, updates), optimiser), loss


def loss_fn(params: Params, batch: Batch, dropout: jax.Array, head: HeadName) -> jax.Array:
    """Cross-entropy of the two sigmoid outputs, averaged over both and over the batch's real rows."""
    network = Perceptron(DROPOUT_AFTER[head])
    logits = network.apply({"params": params}, batch.features, rngs={"dropout": dropout})
    truth = jnp.stack([1 - batch.labels, batch.labels], axis=1)
    losses = optax.sigmoid_binary_cross_entropy(logits, truth).mean(axis=1)
    return jnp.average(losses, weights=batch.weights)


def rmsprop(config: TrainingConfig) -> optax.GradientTransformation:
    """Keras's RMSProp: the mean of squares starts at zero and epsilon is added under the root."""
    return optax.rmsprop(config.learning_rate, decay=config.rho, eps=config.epsilon, eps_in_sqrt=True)


def _batches(key: jax.Array, count: int, size: int) -> tuple[jax.Array, jax.Array]:
    """Row numbers and weights (steps, size): a permutation, its last batch filled with rows of weight 0."""
    steps = -(-count // size)
    order = jnp.pad(jax.random.permutation(key, count), (0, steps * size - count))
    weights = (jnp.arange(steps * size) < count).astype(jnp.float32)
    return order.reshape(steps, size), weights.reshape(steps, size)
