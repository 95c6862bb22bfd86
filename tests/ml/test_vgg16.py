"""The backbone: Table I's shapes, and the sums of a float64 reference and of PyTorch."""

import runpy
from pathlib import Path

import jax
import numpy as np
import pytest

from ml import vgg16
from ml.vgg16 import Variables
from ml.weights import Weights

TABLE_I = {
    "input": (224, 224, 3),
    "conv1_1": (224, 224, 64),
    "conv1_2": (224, 224, 64),
    "pool1": (112, 112, 64),
    "conv2_1": (112, 112, 128),
    "conv2_2": (112, 112, 128),
    "pool2": (56, 56, 128),
    "conv3_1": (56, 56, 256),
    "conv3_2": (56, 56, 256),
    "conv3_3": (56, 56, 256),
    "pool3": (28, 28, 256),
    "conv4_1": (28, 28, 512),
    "conv4_2": (28, 28, 512),
    "conv4_3": (28, 28, 512),
    "pool4": (14, 14, 512),
    "conv5_1": (14, 14, 512),
    "conv5_2": (14, 14, 512),
    "conv5_3": (14, 14, 512),
    "pool5": (7, 7, 512),
    "flatten": (25_088,),
}


@pytest.fixture(scope="module", params=["cpu", "gpu"])
def variables(weights: Weights, request: pytest.FixtureRequest) -> Variables:
    """The real weights in the form that each platform computes with; here a CPU computes with both."""
    return vgg16.for_platform(weights.variables, request.param)


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.random.default_rng(7).random((2, 96, 96)).astype(np.float32)


@pytest.fixture(scope="module")
def chest() -> np.ndarray:
    return np.random.default_rng(7).random((1, 160, 160)).astype(np.float32)


@pytest.fixture(scope="module")
def features_of_pictures(weights: Weights, pictures: np.ndarray) -> np.ndarray:
    """By the float64 reference, which takes seconds."""
    return reference(weights.variables, pictures)


@pytest.fixture(scope="module")
def features_of_chest(weights: Weights, chest: np.ndarray) -> np.ndarray:
    """By the float64 reference too."""
    return places(reference(weights.variables, chest, blocks=4).reshape(1, 10, 10, 512))


def test_every_layer_has_the_shape_of_table_i() -> None:
    assert vgg16.layer_shapes() == TABLE_I


def test_the_fully_connected_top_is_optional() -> None:
    top = {"fc6": (4096,), "fc7": (4096,), "fc8": (1000,)}
    assert vgg16.layer_shapes(top=True) == TABLE_I | top
    assert set(vgg16.parameter_shapes(top=True)) - set(vgg16.parameter_shapes()) == set(top)


def test_the_network_has_as_many_parameters_as_published() -> None:
    def count(top: bool) -> int:
        layers = vgg16.parameter_shapes(top).values()
        return sum(int(np.prod(shape)) for parts in layers for shape in parts.values())

    assert count(top=False) == 14_714_688
    assert count(top=True) == 138_357_544


def test_features_agree_with_a_float64_reference(
    variables: Variables, pictures: np.ndarray, features_of_pictures: np.ndarray
) -> None:
    assert_close(np.asarray(vgg16.extract(variables, pictures)), features_of_pictures)


def test_features_agree_with_pytorch(variables: Variables, golden: Path) -> None:
    expected = np.load(golden / "vgg16_golden.npz")
    features = np.asarray(vgg16.extract(variables, synthetic_images(golden)))
    assert features.shape == (2, vgg16.FEATURES)
    assert_close(features[:, expected["indices"]], expected["values"])
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), expected["norms"], rtol=1e-5)


def test_other_weights_compile_nothing(variables: Variables) -> None:
    images = np.zeros((1, 32, 32), np.float32)
    vgg16.extract(variables, images)
    compiled = vgg16.extract._cache_size()  # type: ignore[attr-defined]
    doubled = vgg16.extract(jax.tree.map(lambda leaf: 2 * leaf, variables), images)
    assert vgg16.extract._cache_size() == compiled  # type: ignore[attr-defined]
    assert not np.allclose(doubled, vgg16.extract(variables, images))


# ------------------------------------------------------------------ chests


def test_a_chests_features_agree_with_a_float64_reference(
    variables: Variables, chest: np.ndarray, features_of_chest: np.ndarray
) -> None:
    found, expected = np.asarray(vgg16.extract_chest(variables, chest)), features_of_chest
    assert found.shape == (1, vgg16.CHEST_FEATURES)
    # Of squares, since the root of nearly nothing makes much of a rounding.
    assert np.abs(found**2 - expected**2).max() < 1e-4 * expected.max() ** 2
    assert np.linalg.norm(found - expected) < 1e-4
    assert expected.std() > 0.1 * expected.max(), "the comparison is of something"


def test_a_chests_features_have_a_length_of_one(variables: Variables) -> None:
    images = np.random.default_rng(0).random((2, 160, 160)).astype(np.float32)
    lengths = np.linalg.norm(vgg16.extract_chest(variables, images), axis=1)
    np.testing.assert_allclose(lengths, 1, rtol=1e-5)


def places(maps: np.ndarray) -> np.ndarray:
    """Means of 2 by 2, folded down the middle, square roots, length one; in loops, float64."""
    features = np.empty((len(maps), 5, 3, 512))
    for row in range(5):
        for column in range(3):
            here = maps[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            there = maps[:, 2 * row : 2 * row + 2, 8 - 2 * column : 10 - 2 * column]
            features[:, row, column] = np.sqrt((here.mean(axis=(1, 2)) + there.mean(axis=(1, 2))) / 2)
    flat = features.reshape(len(maps), -1)
    normalised: np.ndarray = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    return normalised


# ------------------------------------------------------------------ the references


def assert_close(found: np.ndarray, expected: np.ndarray) -> None:
    """Within 1e-4 of the largest feature everywhere, and of the vector's length as a whole."""
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()
    assert np.linalg.norm(found - expected) < 1e-4 * np.linalg.norm(expected)
    assert expected.max() > 1, "the comparison is of something"


def reference(variables: vgg16.Variables, images: np.ndarray, blocks: int = 5) -> np.ndarray:
    """The same network in numpy, float64, written from the paper and not from the module."""
    normalisation = {name: np.float64(value) for name, value in variables["normalisation"].items()}
    x = images.astype(np.float64)[..., None] * normalisation["scale"] + normalisation["offset"]
    for block, steps in enumerate((2, 2, 3, 3, 3)[:blocks], 1):
        for step in range(1, steps + 1):
            layer = variables["params"][f"conv{block}_{step}"]
            x = np.maximum(convolve(x, np.float64(layer["kernel"])) + layer["bias"], 0)
        n, height, width, channels = x.shape
        x = x.reshape(n, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))
    return x.reshape(len(x), -1)


def convolve(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """A kernel of 3 by 3, stride 1, zeros around: nine shifted products."""
    _, height, width, _ = x.shape
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    shifted = [padded[:, i : i + height, j : j + width] @ kernel[i, j] for i in range(3) for j in range(3)]
    return np.sum(shifted, axis=0)


def synthetic_images(golden: Path) -> np.ndarray:
    """What PyTorch was given, from the script that gave it."""
    images: np.ndarray = runpy.run_path(str(golden / "make_vgg16_golden.py"))["synthetic_images"]()
    return images
