"""Winograd's convolutions against float64's, and VGG16 by them, which sees each image as if it were alone."""

from functools import partial

import jax
import numpy as np
import pytest

from ml import recipes, tiled_vgg16, vgg16, winograd
from ml.classifier import FeatureExtractor
from ml.vgg16 import Variables
from ml.weights import Weights

ROUNDING = {2: 1e-6, 4: 2e-5, 6: 5e-5}
"""Of the largest output, by the side of a tile: random kernels, which are harder than ImageNet's."""

TILES = pytest.mark.parametrize("tile", winograd.POINTS)


@pytest.fixture(scope="module")
def tiled(weights: Weights) -> Variables:
    """The real weights as CPUs compute with them."""
    form: Variables = jax.device_put(vgg16.for_platform(weights.variables, "cpu"))
    return form


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape, np.float32)


# ------------------------------------------------------------------ convolutions


@TILES
def test_a_line_of_outputs_is_exactly_what_minimal_filtering_says(tile: int) -> None:
    matrices = winograd.transforms(tile)
    line, taps = numbers(tile + 2).astype(np.float64), numbers(3).astype(np.float64)
    found = matrices.output @ ((matrices.kernel @ taps) * (matrices.input @ line))
    np.testing.assert_allclose(found, np.correlate(line, taps, "valid"), rtol=1e-12, atol=1e-12)


@TILES
@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize(("height", "width"), [(12, 24), (7, 13), (2, 5)])
def test_a_convolution_agrees_with_float64(tile: int, pooled: bool, height: int, width: int) -> None:
    x, kernel, bias = numbers(3, height, width, 8), numbers(3, 3, 8, 5), numbers(5)
    run = jax.jit(partial(winograd.with_zeros_around, pooled=pooled))
    found = np.asarray(run(x, winograd.transformed(kernel, tile), bias))
    expected = convolved(x, kernel, bias, pooled)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < ROUNDING[tile] * expected.max()


def convolved(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, pooled: bool) -> np.ndarray:
    """Nine shifted products in float64, rectified; the pool leaves out an odd last row or column."""
    _, height, width, _ = x.shape
    padded, taps = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))).astype(np.float64), kernel.astype(np.float64)
    shifted = [padded[:, i : i + height, j : j + width] @ taps[i, j] for i, j in np.ndindex(3, 3)]
    found: np.ndarray = np.maximum(np.sum(shifted, axis=0) + bias, 0)
    if not pooled:
        return found
    even = found[:, : height // 2 * 2, : width // 2 * 2]
    quarters = [even[:, i::2, j::2] for i, j in np.ndindex(2, 2)]
    largest: np.ndarray = np.max(quarters, axis=0)
    return largest


# ------------------------------------------------------------------ VGG16


def test_the_last_maps_are_those_of_direct_convolutions(weights: Weights, tiled: Variables) -> None:
    images = np.random.default_rng(1).random((2, 96, 96), np.float32)
    found = np.asarray(vgg16.last_maps(tiled, images))
    expected = np.asarray(vgg16.last_maps(weights.variables, images))
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 2e-5 * expected.max()
    assert expected.std() > 0.01 * expected.max(), "the comparison is of something"


def test_maps_and_what_is_read_of_them_make_the_features(tiled: Variables) -> None:
    images = np.random.default_rng(1).random((1, recipes.CHEST.side, recipes.CHEST.side), np.float32)
    read = np.asarray(recipes.CHEST.read(recipes.CHEST.maps(tiled, images)))
    found = np.asarray(recipes.CHEST.extract(tiled, images))
    np.testing.assert_allclose(read, found, atol=1e-6)


def test_an_images_features_do_not_depend_on_its_company(tiled: Variables) -> None:
    """But for rounding: with AVX-512 XLA adds up in another order. A CPU sees one at a time."""
    images = np.random.default_rng(2).random((8, 160, 160), np.float32)
    together = np.asarray(vgg16.extract_chest(tiled, images))[5]
    alone = np.asarray(vgg16.extract_chest(tiled, images[5:6]))[0]
    assert np.abs(alone - together).max() < 1e-4 * together.max()


def test_a_cpu_gets_the_kernels_of_the_layers_that_are_read(weights: Weights) -> None:
    params = FeatureExtractor(weights, device=jax.devices("cpu")[0])._variables["params"]
    assert list(params) == list(vgg16.CONVOLUTIONS[:10])
    assert {name for name, layer in params.items() if "tiles" in layer} == set(params) & set(
        tiled_vgg16.TILES
    )


def test_other_platforms_keep_the_kernels_as_they_are(weights: Weights) -> None:
    found = vgg16.for_platform(weights.variables, "cuda", blocks=4)
    assert all(found["params"][name] is weights.variables["params"][name] for name in found["params"])
    assert not tiled_vgg16.is_tiled(found["params"])
