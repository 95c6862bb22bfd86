"""Trains a head on stored features: Keras's RMSProp, whole epochs compiled, everything from one seed."""

from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh

from ml.heads import DROPOUT_AFTER, Head, HeadName, Params, Perceptron, initialise, pack
from ml.mesh import by_image, divided, evenly, everywhere, on_each
from ml.runner import OnEpoch, Runner, unheard


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
    on_resume: OnEpoch = unheard,
    runner: Runner | None = None,
) -> Head:
    """Train a head on features (N, 25088) and labels (N,) of 0 and 1.

    After each epoch, counted from 1, ``on_epoch`` hears its number and mean loss, and ``on_resume`` those of
    the last one that a checkpoint of the runner's has; what they raise ends the training. The same seed gives
    the same bytes on one machine, taken up from a checkpoint or not, and the same head to rounding on any
    number of devices.
    """
    runner = runner or Runner()
    mesh, task = runner.mesh, runner.task(repr(config), features, np.asarray(labels, bool))
    start, shuffles = jax.random.split(jax.random.key(config.seed))
    params = initialise(start)
    data = divided(features, mesh), on_each(np.asarray(labels, np.float32), mesh)
    any_seed = replace(config, seed=0, epochs=0)  # so that one compilation serves them all

    def epoch(state: State, number: int) -> tuple[State, jax.Array]:
        moved: tuple[State, jax.Array]
        moved = train_epoch(state, *data, jax.random.fold_in(shuffles, number), any_seed, mesh)
        return moved

    beginning = State(params, rmsprop(config).init(params))
    state = runner.run(task, beginning, epoch, config.epochs, on_epoch, on_resume)
    return pack(config.head, state.params)


@partial(jax.jit, static_argnames=("config", "mesh"), donate_argnames="state")
def train_epoch(
    state: State, features: jax.Array, labels: jax.Array, key: jax.Array, config: TrainingConfig, mesh: Mesh
) -> tuple[State, jax.Array]:
    """One pass in a new order, whose last batch may be short as in Keras. Returns the mean loss."""
    shuffle, dropout = jax.random.split(key)
    rows, weights = _batches(shuffle, len(labels), config.batch_size, evenly(config.batch_size, mesh))

    def step(state: State, chosen: tuple[jax.Array, ...]) -> tuple[State, jax.Array]:
        rows, weights, number = chosen
        batch = Batch(features[rows].astype(jnp.float32), labels[rows], weights)
        batch = jax.lax.with_sharding_constraint(batch, by_image(mesh))
        return train_step(state, batch, jax.random.fold_in(dropout, number), config)

    state, losses = jax.lax.scan(step, state, (rows, weights, jnp.arange(len(rows))))
    state = jax.lax.with_sharding_constraint(state, everywhere(mesh))
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


def _batches(key: jax.Array, count: int, size: int, width: int) -> tuple[jax.Array, jax.Array]:
    """Row numbers and weights (steps, width): a permutation, its batches filled with rows of weight 0."""
    steps = -(-count // size)
    order = jnp.pad(jax.random.permutation(key, count), (0, steps * size - count))
    weights = (jnp.arange(steps * size) < count).astype(jnp.float32)
    filled = ((0, 0), (0, width - size))
    return jnp.pad(order.reshape(steps, size), filled), jnp.pad(weights.reshape(steps, size), filled)
