"""VGG16 by `ml.winograd`, as CPUs compute it: in pieces that stay in the cache."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from ml import winograd

TILES: Final[Mapping[str, int]] = {
    "conv1_2": 6,
    "conv2_1": 6,
    "conv2_2": 6,
    "conv3_1": 4,
    "conv3_2": 4,
    "conv3_3": 4,
    "conv4_1": 4,
    "conv4_2": 4,
    "conv4_3": 4,
    "conv5_1": 2,
    "conv5_2": 2,
    "conv5_3": 2,
}
"""The side of a layer's tiles, by measurement: docs/decisions/0014-winograd.md."""
STRIP: Final = 4
"""Rows of tiles of the first block that are in hand at a time."""
ALONE: Final = 7
"""How many of the convolutions see one image at a time: those whose kernels are smaller than their maps."""

Params = Mapping[str, Mapping[str, Any]]


def tiled(params: Params, layers: Sequence[str]) -> Params:
    """A network's first layers with their kernels transformed, but the first of all."""
    return {name: _transformed(name, params[name]) for name in layers}


def _transformed(name: str, layer: Mapping[str, Any]) -> Mapping[str, Any]:
    if name not in TILES:
        return layer
    return {"tiles": winograd.transformed(np.asarray(layer["kernel"]), TILES[name]), "bias": layer["bias"]}


def is_tiled(params: Params) -> bool:
    """Whether they come from `tiled`."""
    return "tiles" in params["conv1_2"]


def run(params: Params, x: jax.Array, layers: Sequence[str], pooled: Sequence[str]) -> jax.Array:
    """What the last of the layers sees, (N, h, w, C), of normalised images (N, H, W, 3).

    ``pooled`` are the layers that a max-pool follows, the second one among them.
    """

    def alone(image: jax.Array) -> jax.Array:
        return _run(params, _first_block(params, image)[None], layers[2:ALONE], pooled)[0]

    return _run(params, jax.lax.map(alone, x), layers[ALONE:], pooled)


def _run(params: Params, x: jax.Array, layers: Sequence[str], pooled: Sequence[str]) -> jax.Array:
    for name in layers:
        x = winograd.with_zeros_around(x, params[name]["tiles"], params[name]["bias"], name in pooled)
    return x


def _first_block(params: Params, image: jax.Array) -> jax.Array:
    """Both convolutions and the pool, (H // 2, W // 2, 64) of (H, W, 3).

    Strip by strip: whole, what lies between the two convolutions would not stay in any cache.
    """
    height, width, _ = image.shape
    kernel, bias = params["conv1_2"]["tiles"], params["conv1_2"]["bias"]
    tile = winograd.tile_of(kernel)
    rows = STRIP * tile
    strips = -(-height // rows)
    padded = jnp.pad(image, ((2, 2 + -height % rows), (2, 2 + -width % tile), (0, 0)))

    def strip(number: jax.Array) -> jax.Array:
        seen = jax.lax.dynamic_slice_in_dim(padded, number * rows, rows + 4)
        found = _first_convolution(params["conv1_1"], seen)
        inside = _inside(number * rows - 1, rows + 2, height)[:, None] & _inside(-1, found.shape[1], width)
        return winograd.convolve(jnp.where(inside[..., None], found, 0)[None], kernel, bias, pooled=True)[0]

    found: jax.Array = jax.lax.map(strip, jnp.arange(strips))
    return found.reshape(-1, *found.shape[2:])[: height // 2, : width // 2]


def _inside(start: jax.Array | int, count: int, size: int) -> jax.Array:
    places = start + jnp.arange(count)
    return (places >= 0) & (places < size)


def _first_convolution(layer: Mapping[str, Any], x: jax.Array) -> jax.Array:
    """Three channels are too few to save anything: (H - 2, W - 2, 64) of (H, W, 3), directly."""
    found = jax.lax.conv_general_dilated(
        x[None], layer["kernel"], (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
    )[0]
    return jax.nn.relu(found + layer["bias"])
