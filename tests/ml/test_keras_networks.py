"""Keras's networks on jax: their shapes, what they say beside Keras itself, and no memory of one another."""

import os
import subprocess
import sys

import jax
import numpy as np
import pytest

from ml import keras_networks, recipes
from ml.keras_networks import NETWORKS, KerasMissing
from ml.keras_weights import random_weights
from ml.weights import Weights

FEATURES = {"resnet50": 5 * 3 * 1024, "inceptionv3": 4 * 2 * 768, "mobilenetv2": 5 * 3 * 576}


@pytest.fixture(scope="module", params=list(NETWORKS))
def network(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def weights(network: str) -> Weights:
    return random_weights(network, 0)


@pytest.fixture(scope="module")
def chests() -> np.ndarray:
    return np.random.default_rng(0).random((2, 160, 160)).astype(np.float32)


def test_a_chest_has_so_many_features(network: str, weights: Weights, chests: np.ndarray) -> None:
    recipe = recipes.CHESTS[network]
    features = np.asarray(recipe.extract(weights.variables, chests))
    assert features.shape == (2, FEATURES[network]) == (2, recipe.of_network)
    assert features.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, rtol=1e-5)
    assert np.abs(features[0] - features[1]).max() > 1e-3


def test_the_maps_are_those_that_keras_makes(network: str, weights: Weights, chests: np.ndarray) -> None:
    """Keras's own way: values in its variables, colours as its `preprocess_input` makes them, and predict."""
    keras = keras_networks.keras()
    model = keras_networks.cut(network, keras_networks.without_values(network))
    for (layer, part), variable in zip(keras_networks.names(model), model.variables, strict=True):
        variable.assign(weights.variables["params"][layer][part])
    module = getattr(keras.applications, network.replace("v3", "_v3").replace("v2", "_v2"))
    colours = module.preprocess_input(np.repeat(255 * chests[..., None], 3, axis=3))
    expected = model.predict(colours, verbose=0)
    found = np.asarray(recipes.CHESTS[network].maps(weights.variables, chests))
    side, channels = NETWORKS[network].side, NETWORKS[network].channels
    assert found.shape == expected.shape == (2, side, side, channels)
    assert found.min() >= 0, "square roots are taken"
    np.testing.assert_allclose(found, expected, atol=1e-4 * expected.max())


def test_features_are_read_from_the_maps(network: str, weights: Weights, chests: np.ndarray) -> None:
    recipe = recipes.CHESTS[network]
    again = recipe.read(recipe.maps(weights.variables, chests))
    np.testing.assert_allclose(recipe.extract(weights.variables, chests), again, atol=1e-5)


def test_weights_are_an_argument(network: str, weights: Weights, chests: np.ndarray) -> None:
    extract = recipes.CHESTS[network].extract
    before = np.asarray(extract(weights.variables, chests))
    other = np.asarray(extract(random_weights(network, 1).variables, chests))
    assert np.abs(before - other).max() > 1e-3
    np.testing.assert_array_equal(extract(weights.variables, chests), before)


def test_names_do_not_depend_on_what_was_built_before(network: str) -> None:
    first, second = (keras_networks.names(keras_networks.without_values(network)) for _ in range(2))
    assert first == second
    assert len(set(first)) == len(first)


def test_nothing_is_imported_of_keras_until_a_network_is_needed() -> None:
    script = (
        "import sys, api.classifier, services.learning; print([m for m in sys.modules if m[:5] == 'keras'])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_without_the_extra_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(KerasMissing, match="make extra-backbones"):
        keras_networks.keras()


def test_keras_is_on_jax_whatever_its_settings_say() -> None:
    script = "from ml.keras_networks import keras; print(keras().backend.backend())"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "jax"


def test_gradients_reach_every_place(network: str, weights: Weights, chests: np.ndarray) -> None:
    recipe = recipes.CHESTS[network]
    maps = recipe.maps(weights.variables, chests)
    gradients = jax.grad(lambda seen: recipe.read(seen)[:, ::7].sum())(maps)
    assert np.isfinite(gradients).all()
    assert np.abs(np.asarray(gradients)).sum(axis=(0, 3)).min() > 0
