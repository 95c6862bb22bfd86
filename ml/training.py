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
from ml.mesh import each_divided, evenly, everywhere
from ml.rows import Features, ahead, take
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


CHUNK = 32
"""Steps whose images are read at once, while those before are computed: 16 MB."""


class Batch(NamedTuple):
    """Features (B, 25088), labels (B,) of 0 and 1, weights (B,), 0 where a short batch is padded.

    Of several steps (S, B, …) alike.
    """

    features: jax.Array | np.ndarray
    labels: jax.Array | np.ndarray
    weights: jax.Array | np.ndarray


class State(NamedTuple):
    """What training moves: the parameters, and RMSProp's running means of squared gradients."""

    params: Params
    optimiser: optax.OptState


def fit(
    features: Features,
    labels: np.ndarray,
    config: TrainingConfig,
    on_epoch: OnEpoch = unheard,
    on_resume: OnEpoch = unheard,
    runner: Runner | None = None,
) -> Head:
    """Train a head on features (N, 25088), read batch by batch, and labels (N,) of 0 and 1.

    After each epoch, counted from 1, ``on_epoch`` hears its number and mean loss, and ``on_resume`` those of
    the last one that a checkpoint of the runner's has; what they raise ends the training. The same seed gives
    the same bytes on one machine, taken up from a checkpoint or not, and the same head to rounding on any
    number of devices.
    """
    runner = runner or Runner()
    mesh, task = runner.mesh, runner.task(repr(config), features, np.asarray(labels, bool))
    start, shuffles = jax.random.split(jax.random.key(config.seed))
    params = initialise(start)
    truth = np.asarray(labels, np.float32)
    any_seed = replace(config, seed=0, epochs=0)  # so that one compilation serves them all

    def epoch(state: State, number: int) -> tuple[State, np.ndarray]:
        return train_epoch(state, features, truth, jax.random.fold_in(shuffles, number), any_seed, mesh)

    beginning = State(params, rmsprop(config).init(params))
    state = runner.run(task, beginning, epoch, config.epochs, on_epoch, on_resume)
    return pack(config.head, state.params)


def train_epoch(
    state: State, features: Features, labels: np.ndarray, key: jax.Array, config: TrainingConfig, mesh: Mesh
) -> tuple[State, np.ndarray]:
    """One pass in a new order, whose last batch may be short as in Keras. Returns the mean loss."""
    shuffle, dropout = jax.random.split(key)
    width = evenly(config.batch_size, mesh)
    rows, weights = map(np.asarray, _batches(shuffle, len(labels), config.batch_size, width))
    chunks = [slice(start, start + CHUNK) for start in range(0, len(rows), CHUNK)]
    reads = (partial(_read, features, labels, rows[chunk], weights[chunk]) for chunk in chunks)
    numbers, losses = np.arange(len(rows)), []
    for chunk, batches in zip(chunks, ahead(reads), strict=True):
        placed = each_divided(batches, mesh)
        state, found = train_steps(state, placed, numbers[chunk], dropout, config, mesh)
        losses.append(np.asarray(found))  # waited for, lest all batches of the epoch wait in memory
    return state, np.average(np.concatenate(losses), weights=weights.sum(axis=1))


def _read(features: Features, labels: np.ndarray, rows: np.ndarray, weights: np.ndarray) -> Batch:
    """The batches of some steps, by the numbers (S, B) of their images and their weights."""
    read = take(features, rows.ravel())
    return Batch(read.reshape(*rows.shape, -1), labels[rows], weights)


@partial(jax.jit, static_argnames=("config", "mesh"), donate_argnames="state")
def train_steps(
    state: State, batches: Batch, numbers: jax.Array, dropout: jax.Array, config: TrainingConfig, mesh: Mesh
) -> tuple[State, jax.Array]:
    """Some steps on as many batches (S, B, …). Returns the losses (S,) before each."""

    def step(state: State, given: tuple[Batch, jax.Array]) -> tuple[State, jax.Array]:
        batch, number = given
        single = batch._replace(features=batch.features.astype(jnp.float32))
        return train_step(state, single, jax.random.fold_in(dropout, number), config)

    state, losses = jax.lax.scan(step, state, (batches, numbers))
    found: tuple[State, jax.Array]
    found = jax.lax.with_sharding_constraint((state, losses), everywhere(mesh))
    return found


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
