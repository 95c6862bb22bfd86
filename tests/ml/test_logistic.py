"""Head D's training: the one answer that there is, found again by another method."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

from ml import heads, logistic
from ml.logistic import scaled, start, train_epoch, unscaled
from ml.vgg16 import CHEST_FEATURES
from tests.feature_sets import lessons

EPOCHS = 20


def trained(
    features: np.ndarray, covid: np.ndarray, used: np.ndarray | None = None, epochs: int = EPOCHS
) -> tuple[logistic.Weights, logistic.Scaled, float]:
    """The weights, the scaled features that they are for, and the last loss."""
    data = scaled(of_network(features))
    chosen = jnp.ones(len(covid)) if used is None else jnp.asarray(used, jnp.float32)
    state = start(data.features.shape[1])
    for _ in range(epochs):
        state, loss = train_epoch(state, jnp.asarray(data.features), jnp.asarray(covid, jnp.float32), chosen)
    return state.params, data, float(loss)


def of_network(features: np.ndarray) -> np.ndarray:
    """Without what was measured of the picture."""
    return features[:, :CHEST_FEATURES]


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
    params, data, loss = trained(images.features, images.covid)
    weights, bias, least = reference(np.float64(data.features), images.covid)
    assert loss == pytest.approx(least, rel=1e-3, abs=1e-6)
    odds = data.features @ weights + bias
    np.testing.assert_allclose(logistic.log_odds(params, jnp.asarray(data.features)), odds, atol=0.01)
    assert np.linalg.norm(params["weights"] - weights) < 2e-3 * np.linalg.norm(weights)
    assert float(params["bias"]) == pytest.approx(bias, abs=5e-3)


def test_the_answer_does_not_depend_on_the_order_of_the_images() -> None:
    images = lessons()
    mixed = np.random.default_rng(1).permutation(len(images.covid))
    one, other = (trained(part.features, part.covid)[0]["weights"] for part in (images, images[mixed]))
    assert np.linalg.norm(one - other) < 2e-3 * np.linalg.norm(one)


def test_images_that_are_not_used_teach_nothing() -> None:
    """They count in the scaling alone, so that their truth does not matter."""
    images = lessons()
    used = np.arange(len(images.covid)) >= 20
    lies = images.covid ^ ~used
    first, second = (trained(images.features, truth, used)[0] for truth in (images.covid, lies))
    np.testing.assert_array_equal(first["weights"], second["weights"])
    assert float(first["bias"]) == float(second["bias"])
    everyone = trained(images.features, images.covid)[0]
    assert not np.allclose(first["weights"], everyone["weights"], atol=1e-3)


def test_the_loss_falls_and_then_stands_still() -> None:
    images = lessons()
    first, tenth, last = (trained(images.features, images.covid, epochs=epochs)[2] for epochs in (1, 10, 20))
    assert first < np.log(2) / 4, "where weights of zero begin"
    assert tenth == pytest.approx(last, rel=1e-5)
    assert last <= first * (1 + 1e-6)


def test_twice_gives_the_same_bytes() -> None:
    images = lessons()
    first, again = (trained(images.features, images.covid)[0] for _ in range(2))
    assert np.asarray(first["weights"]).tobytes() == np.asarray(again["weights"]).tobytes()
    assert float(first["bias"]) == float(again["bias"])


def test_another_set_of_the_same_size_compiles_nothing() -> None:
    images, others = lessons(seed=1), lessons(seed=2)
    trained(images.features, images.covid, epochs=1)
    compiled = train_epoch._cache_size()  # type: ignore[attr-defined]
    trained(others.features, others.covid, np.arange(len(others.covid)) > 5, epochs=1)
    assert train_epoch._cache_size() == compiled  # type: ignore[attr-defined]


# ------------------------------------------------------------------ scaling, and back


def test_scaled_features_are_centred_and_of_length_one_in_the_mean() -> None:
    images = lessons()
    data = scaled(of_network(images.features))
    np.testing.assert_allclose(data.features.mean(axis=0), 0, atol=1e-6)
    assert (data.features**2).sum(axis=1).mean() == pytest.approx(1, rel=1e-5)
    again = data.features * data.scale + data.mean
    np.testing.assert_allclose(again, np.float32(of_network(images.features)), atol=1e-6)


def test_features_that_are_all_alike_are_scaled_too() -> None:
    data = scaled(np.full((4, CHEST_FEATURES), 0.01, np.float16))
    assert data.scale == 1
    assert not data.features.any()


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.4, -1.5)])
def test_the_head_says_of_features_what_was_learned_of_scaled_ones(slope: float, intercept: float) -> None:
    images = lessons()
    data = scaled(of_network(images.features))
    generator = np.random.default_rng(0)
    weights = generator.normal(0, 3, CHEST_FEATURES).astype(np.float32)
    params = {"weights": jnp.asarray(weights), "bias": jnp.float32(0.7)}
    head = unscaled(params, data, slope, intercept)
    expected = slope * (np.float64(data.features) @ np.float64(weights) + 0.7) + intercept
    found = heads.log_odds(head.params, jnp.asarray(images.features, jnp.float32))
    assert head.name == "D"
    np.testing.assert_allclose(found, expected, atol=2e-3)
