"""The heads: their shapes, their dropout, and what their two outputs say together."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from ml import heads
from ml.heads import Perceptron, initialise, pack, probability
from ml.vgg16 import CHEST_FEATURES


def test_the_layers_are_those_of_the_paper() -> None:
    params = initialise(jax.random.key(0))
    shapes = {layer: (parts["kernel"].shape, parts["bias"].shape) for layer, parts in params.items()}
    assert shapes == {
        "dense1": ((25_088, 200), (200,)),
        "dense2": ((200, 64), (64,)),
        "dense3": ((64, 2), (2,)),
    }


def test_kernels_start_glorot_uniform_and_biases_at_zero() -> None:
    params = initialise(jax.random.key(0))
    limit = np.sqrt(6 / (25_088 + 200))
    kernel = np.asarray(params["dense1"]["kernel"])
    assert np.abs(kernel).max() == pytest.approx(limit, rel=1e-3)
    assert kernel.std() == pytest.approx(limit / np.sqrt(3), rel=1e-2)
    assert not any(np.any(parts["bias"]) for parts in params.values())


def test_the_sums_are_those_of_three_dense_layers() -> None:
    params = jax.tree.map(np.float64, initialise(jax.random.key(1)))
    features = np.random.default_rng(0).random((3, 25_088))
    hidden = np.maximum(features @ params["dense1"]["kernel"], 0)
    hidden = np.maximum(hidden @ params["dense2"]["kernel"], 0)
    none, covid = (hidden @ params["dense3"]["kernel"]).T
    found = probability(initialise(jax.random.key(1)), features.astype(np.float32))
    np.testing.assert_allclose(found, 1 / (1 + np.exp((none - covid) / 2)), rtol=1e-4)


@pytest.mark.parametrize(("head", "dropped"), [("A", None), ("B", "dense2"), ("C", "dense1")])
def test_dropout_falls_where_the_paper_puts_it(head: heads.HeadName, dropped: str | None) -> None:
    """The units that reach the next layer are found by making that layer the identity."""
    network = Perceptron(heads.DROPOUT_AFTER[head])
    params = initialise(jax.random.key(0))
    features = jnp.ones((1, 25_088))
    _, state = network.apply(
        {"params": params}, features, rngs={"dropout": jax.random.key(1)}, capture_intermediates=True
    )
    outputs = state["intermediates"]
    for layer, following in (("dense1", "dense2"), ("dense2", "dense3")):
        active = np.maximum(outputs[layer]["__call__"][0][0], 0)
        expected = active @ params[following]["kernel"]
        found = outputs[following]["__call__"][0][0]
        assert np.allclose(found, expected, atol=1e-5) == (layer != dropped), layer


def test_both_outputs_count_alike() -> None:
    params = jax.tree.map(np.zeros_like, initialise(jax.random.key(0)))
    for none, covid, expected in (
        (-2.0, 2.0, 0.8808),
        (2.0, -2.0, 0.1192),
        (3.0, 3.0, 0.5),
        (-800.0, 800.0, 1.0),
    ):
        biased = params | {"dense3": params["dense3"] | {"bias": np.float32([none, covid])}}
        assert float(probability(biased, np.ones((1, 25_088)))[0]) == pytest.approx(expected, abs=1e-4)


def test_a_packed_head_is_half_as_large_and_says_the_same() -> None:
    params = initialise(jax.random.key(2))
    features = np.random.default_rng(0).random((4, 25_088)).astype(np.float16)
    head = pack("B", params)
    assert head.params["dense1"]["kernel"].dtype == np.float16
    np.testing.assert_allclose(probability(head.params, features), probability(params, features), atol=2e-3)


def test_another_head_compiles_nothing() -> None:
    features = np.zeros((1, 25_088), np.float16)
    first, second = (pack(name, initialise(jax.random.key(seed))) for seed, name in enumerate(("A", "C")))
    probability(first.params, features)
    compiled = probability._cache_size()  # type: ignore[attr-defined]
    probability(second.params, features)
    assert probability._cache_size() == compiled  # type: ignore[attr-defined]


# ------------------------------------------------------------------ head D


def linear(seed: int = 0, bias: float = -0.5) -> heads.Params:
    kernel = np.random.default_rng(seed).normal(0, 1, (CHEST_FEATURES, 1))
    return {"linear": {"kernel": kernel, "bias": np.array([bias])}}


def test_head_d_is_one_sum() -> None:
    features = np.random.default_rng(1).random((3, CHEST_FEATURES)).astype(np.float16) / 40
    params = linear()
    odds = np.float64(features) @ params["linear"]["kernel"][:, 0] - 0.5
    found = probability(pack("D", params).params, features)
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-odds)), rtol=1e-4)
    assert np.ptp(found) > 0.01, "the comparison is of something"


def test_what_was_measured_is_not_head_ds_business() -> None:
    features = np.random.default_rng(1).random((3, CHEST_FEATURES + 1)).astype(np.float16) / 40
    other = features.copy()
    other[:, -1] = 0.9
    params = pack("D", linear()).params
    np.testing.assert_array_equal(probability(params, features), probability(params, other))


def test_head_d_is_kept_in_single_precision() -> None:
    params = linear()
    head = pack("D", params)
    kept = head.params["linear"]["kernel"]
    assert kept.dtype == np.float32
    np.testing.assert_allclose(kept, params["linear"]["kernel"], rtol=1e-7)
    assert heads.layers("D", CHEST_FEATURES) == {"linear": kept.shape}
