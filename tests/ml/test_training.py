"""Training: Keras's arithmetic step by step, short batches, one seed and its bytes."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ml import heads, training
from ml.training import Batch, State, TrainingConfig, fit, loss_fn, rmsprop, train_step


def dataset(count: int = 24, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features like VGG16's, four fifths of them zero, whose first thousand tell the label."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    features = np.maximum(generator.normal(-0.9, 1, (count, 25_088)), 0)
    features[:, :1000] += labels[:, None]
    return features.astype(np.float16), labels


def test_the_defaults_are_the_papers_and_keras() -> None:
    config = TrainingConfig()
    assert (config.epochs, config.batch_size) == (20, 10)
    assert (config.learning_rate, config.rho, config.epsilon) == (1e-3, 0.9, 1e-7)


def test_rmsprop_steps_as_the_keras_manual_says() -> None:
    """Its example: the square of 10 over 2, at a learning rate of 0.1, steps to 9.683772."""
    optimiser = rmsprop(TrainingConfig(learning_rate=0.1))
    updates, _ = optimiser.update(jnp.float32(10), optimiser.init(jnp.float32(10)))
    assert float(10 + updates) == pytest.approx(9.683772, abs=1e-6)


def test_rmsprop_adds_epsilon_under_the_root() -> None:
    config = TrainingConfig(learning_rate=0.01, rho=0.8, epsilon=0.5)
    optimiser = rmsprop(config)
    state, value, mean = optimiser.init(jnp.float32(0)), 0.0, 0.0
    found = jnp.float32(0)
    for gradient in (0.3, -0.7, 0.2):
        updates, state = optimiser.update(jnp.float32(gradient), state)
        found = optax.apply_updates(found, updates)
        mean = 0.8 * mean + 0.2 * gradient**2
        value -= 0.01 * gradient / np.sqrt(mean + 0.5)
    assert float(found) == pytest.approx(value, rel=1e-5)


def test_the_loss_is_the_mean_cross_entropy_of_both_outputs() -> None:
    features, labels = dataset(6)
    params = heads.initialise(jax.random.key(0))
    logits = np.float64(heads.Perceptron().apply({"params": params}, features.astype(np.float32)))
    outputs, truth = 1 / (1 + np.exp(-logits)), np.stack([1 - labels, labels], axis=1)
    entropy = -(truth * np.log(outputs) + (1 - truth) * np.log(1 - outputs))
    batch = Batch(jnp.float32(features), jnp.float32(labels), jnp.ones(6))
    assert float(loss_fn(params, batch, jax.random.key(1), "A")) == pytest.approx(entropy.mean(), rel=1e-4)


def test_padding_changes_neither_loss_nor_step() -> None:
    features, labels = (jnp.asarray(part, jnp.float32) for part in dataset(4))
    short = Batch(features, labels, jnp.ones(4))
    rows = jnp.array([0, 1, 2, 3, 0, 0])
    padded = Batch(features[rows], labels[rows], jnp.array([1.0, 1, 1, 1, 0, 0]))
    steps = [one_step(batch) for batch in (short, padded)]
    assert float(steps[0][1]) == pytest.approx(float(steps[1][1]), rel=1e-6)
    for bare, full in zip(*(jax.tree.leaves(state.params) for state, _ in steps), strict=True):
        np.testing.assert_allclose(bare, full, atol=1e-5)


def one_step(batch: Batch) -> tuple[State, jax.Array]:
    config = TrainingConfig(head="A")
    params = heads.initialise(jax.random.key(0))
    state = State(params, rmsprop(config).init(params))
    return train_step(state, batch, jax.random.key(1), config)


def test_an_epoch_sees_every_image_once() -> None:
    for count in (24, 20, 3):
        rows, weights = training._batches(jax.random.key(0), count, 10, 12)
        assert rows.shape == weights.shape == (-(-count // 10), 12)
        assert sorted(np.asarray(rows)[np.asarray(weights) == 1]) == list(range(count))


def test_epochs_are_shuffled_differently() -> None:
    first, second = (training._batches(jax.random.key(seed), 24, 10, 10)[0] for seed in (0, 1))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("name", heads.PAPER)
def test_each_of_the_papers_heads_learns(name: heads.HeadName) -> None:
    features, labels = dataset()
    heard: list[tuple[int, float]] = []
    head = fit(features, labels, TrainingConfig(head=name, epochs=6), lambda *news: heard.append(news))
    unseen, truth = dataset(seed=1)
    called = np.asarray(heads.probability(head.params, unseen)) >= 0.5
    assert head.name == name
    assert (called == truth).mean() > 0.9
    assert [epoch for epoch, _ in heard] == [1, 2, 3, 4, 5, 6]
    assert heard[-1][1] < heard[0][1] / 2


def test_the_same_seed_gives_the_same_bytes() -> None:
    features, labels = dataset()
    first, again, other = (
        fit(features, labels, TrainingConfig(epochs=2, seed=seed)).params for seed in (7, 7, 8)
    )
    assert digest(first) == digest(again) != digest(other)


def digest(params: heads.Params) -> bytes:
    return b"".join(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(params))


def test_another_seed_compiles_nothing() -> None:
    features, labels = dataset()
    fit(features, labels, TrainingConfig(epochs=1, seed=1))
    compiled = training.train_steps._cache_size()
    fit(features, labels, TrainingConfig(epochs=2, seed=2))
    assert training.train_steps._cache_size() == compiled


def test_what_the_callback_raises_ends_the_training() -> None:
    def stop(epoch: int, loss: float) -> None:
        raise InterruptedError(f"after epoch {epoch}")

    features, labels = dataset()
    with pytest.raises(InterruptedError, match="after epoch 1"):
        fit(features, labels, TrainingConfig(), stop)
