"""Head D's training: the one answer that there is, found again by another method."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

from ml import heads, logistic
from ml.blocks import Blocks
from ml.logistic import Lessons, scale_of, start, train_epoch
from ml.mesh import all_devices
from ml.vgg16 import CHEST_FEATURES
from tests.feature_sets import lessons

EPOCHS = 20


def course(features: np.ndarray, covid: np.ndarray, **sizes: int) -> Lessons:
    """What `ml.making` learns from."""
    blocks = Blocks(features, all_devices(), **sizes)
    return Lessons(blocks, scale_of(features, CHEST_FEATURES), covid.astype(np.float32))


def trained(
    features: np.ndarray,
    covid: np.ndarray,
    used: np.ndarray | None = None,
    epochs: int = EPOCHS,
    **sizes: int,
) -> tuple[np.ndarray, Lessons, float]:
    """The weights and the bias, what taught them, and the last loss."""
    given = course(features, covid, **sizes)
    state = start(given.inputs)
    for _ in range(epochs):
        state, loss = train_epoch(state, given, np.ones(len(covid)) if used is None else used)
    return state.point, given, float(loss)


def scaled(features: np.ndarray) -> np.ndarray:
    """Scaled features (N, P), in float64 and from the definition."""
    exact = features[:, :CHEST_FEATURES].astype(np.float64)
    centred = exact - exact.mean(axis=0)
    found: np.ndarray = centred / np.sqrt((centred**2).sum(axis=1).mean())
    return found


def reference(features: np.ndarray, covid: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Weights, bias and loss for scaled features in float64, by another program's L-BFGS.

    Written from the definition: sum of log(1 + exp(-y z)) and w² / 2C, over N.
    """
    signs = np.where(covid, 1.0, -1.0)

    def loss(line: np.ndarray) -> tuple[float, np.ndarray]:
        margins = signs * (features @ line[:-1] + line[-1])
        pulls = -signs / (1 + np.exp(margins))
        gradient = np.append(features.T @ pulls + line[:-1] / logistic.STRENGTH, pulls.sum())
        value = np.logaddexp(0, -margins).sum() + line[:-1] @ line[:-1] / (2 * logistic.STRENGTH)
        return float(value / len(signs)), gradient / len(signs)

    options = {"maxiter": 5000, "maxfun": 10_000, "ftol": 1e-15, "gtol": 1e-10}
    found = minimize(loss, np.zeros(features.shape[1] + 1), jac=True, method="L-BFGS-B", options=options)
    return found.x[:-1], float(found.x[-1]), float(found.fun)


@pytest.mark.parametrize("skill", [0.0, 0.35, 1.0])
def test_the_answer_is_that_of_another_solver_in_float64(skill: float) -> None:
    images = lessons(skill=skill)
    point, given, loss = trained(images.features, images.covid)
    weights, bias, least = reference(scaled(images.features), images.covid)
    assert loss == pytest.approx(least, rel=1e-3, abs=1e-6)
    odds = scaled(images.features) @ weights + bias
    np.testing.assert_allclose(given.log_odds(point), odds, atol=0.01)
    assert np.linalg.norm(point[:-1] - weights) < 2e-3 * np.linalg.norm(weights)
    assert float(point[-1]) == pytest.approx(bias, abs=5e-3)


def test_the_answer_does_not_depend_on_the_order_of_the_images() -> None:
    images = lessons()
    mixed = np.random.default_rng(1).permutation(len(images.covid))
    one, other = (trained(part.features, part.covid)[0] for part in (images, images[mixed]))
    assert np.linalg.norm(one - other) < 2e-3 * np.linalg.norm(one)


def test_images_that_are_not_used_teach_nothing() -> None:
    """They count in the scaling alone, so that their truth does not matter."""
    images = lessons()
    used = np.arange(len(images.covid)) >= 20
    lies = images.covid ^ ~used
    first, second = (trained(images.features, truth, used)[0] for truth in (images.covid, lies))
    np.testing.assert_array_equal(first, second)
    everyone = trained(images.features, images.covid)[0]
    assert not np.allclose(first, everyone, atol=1e-3)


def test_the_loss_falls_and_then_stands_still() -> None:
    images = lessons()
    first, tenth, last = (trained(images.features, images.covid, epochs=epochs)[2] for epochs in (1, 10, 20))
    assert first < np.log(2) / 4, "where weights of zero begin"
    assert tenth == pytest.approx(last, rel=1e-5)
    assert last <= first * (1 + 1e-6)


def test_twice_gives_the_same_bytes() -> None:
    images = lessons()
    first, again = (trained(images.features, images.covid)[0] for _ in range(2))
    assert first.tobytes() == again.tobytes()


def test_another_set_of_the_same_size_compiles_nothing() -> None:
    images, others = lessons(seed=1), lessons(seed=2)
    trained(images.features, images.covid, epochs=1)
    compiled = logistic.sums._cache_size()  # type: ignore[attr-defined]
    trained(others.features, others.covid, np.arange(len(others.covid)) > 5, epochs=1)
    assert logistic.sums._cache_size() == compiled  # type: ignore[attr-defined]


# ------------------------------------------------------------------ block by block


ROW = (CHEST_FEATURES + 1) * 2
"""The bytes of a feature vector."""


def test_blocks_that_are_read_again_and_again_teach_what_those_that_stay_do() -> None:
    images = lessons()
    size = {"block_bytes": 7 * ROW}
    stay, go = (
        trained(images.features, images.covid, epochs=2, kept_bytes=kept, **size) for kept in (2**30, 0)
    )
    assert stay[0].tobytes() == go[0].tobytes()


def test_the_loss_and_its_gradient_are_the_same_however_they_are_cut() -> None:
    images = lessons()
    point = np.random.default_rng(0).normal(0, 3, CHEST_FEATURES + 1).astype(np.float32)
    used = np.arange(len(images.covid)) % 3 > 0
    whole, cut = (
        course(images.features, images.covid, block_bytes=rows * ROW).loss(point, used) for rows in (60, 7)
    )
    assert whole[0] == pytest.approx(cut[0], rel=1e-6)
    np.testing.assert_allclose(whole[1], cut[1], atol=1e-6 * np.abs(whole[1]).max())


# ------------------------------------------------------------------ scaling, and back


def test_the_scale_is_that_of_the_definition() -> None:
    images = lessons()
    exact = images.features[:, :CHEST_FEATURES].astype(np.float64)
    found = scale_of(images.features, CHEST_FEATURES)
    np.testing.assert_allclose(found.mean, exact.mean(axis=0), atol=1e-8)
    assert found.root == pytest.approx(
        np.sqrt(((exact - exact.mean(axis=0)) ** 2).sum(axis=1).mean()), rel=1e-6
    )


def test_features_that_are_all_alike_have_a_scale_too() -> None:
    alike = np.full((4, CHEST_FEATURES + 1), 0.0078125, np.float16)  # a power of two: its squares are exact
    assert scale_of(alike, CHEST_FEATURES).root == 1


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.4, -1.5)])
def test_the_head_says_of_features_what_was_learned_of_scaled_ones(slope: float, intercept: float) -> None:
    images = lessons()
    generator = np.random.default_rng(0)
    point = np.append(generator.normal(0, 3, CHEST_FEATURES), 0.7).astype(np.float32)
    head = course(images.features, images.covid).head(point, slope, intercept)
    expected = slope * (scaled(images.features) @ np.float64(point[:-1]) + 0.7) + intercept
    found = heads.log_odds(head.params, jnp.asarray(images.features, jnp.float32))
    assert head.name == "D"
    np.testing.assert_allclose(found, expected, atol=2e-3)
