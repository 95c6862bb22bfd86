"""Convolutions of 3 by 3 with a fraction of the products, for XLA on CPUs: Winograd's minimal filtering.

A tile of m by m outputs costs (m + 2)² products for each pair of channels instead of 9 m²:
Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A, F(m × m, 3 × 3) in Lavin and Gray (2015, https://arxiv.org/abs/1509.09308).
The matrices are Toom and Cook's, of a polynomial's values at m + 1 points and at infinity. Powers of two and
their negatives are the points: exact in binary, and few of them are larger than 1, since what is lost to
rounding grows with the powers of the largest (Barabasz et al. 2020, https://arxiv.org/abs/1803.10986).

What suits XLA: a transform one way is a sum of slices, each times a column of the matrix laid along a new
first axis, so that it is one loop that writes memory in order. The products of all places in a tile are one
batched matrix product. A barrier after each stage keeps XLA from fusing it with the next, whose every reader
would compute it anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from math import isqrt
from typing import Final

import jax
import jax.numpy as jnp
import numpy as np

TAPS: Final = 3
POINTS: Final[Mapping[int, Sequence[float]]] = {
    2: (0, 1, -1),
    4: (0, 1, -1, 2, -2),
    6: (0, 1, -1, 2, -2, 1 / 2, -1 / 2),
}
"""Where polynomials are evaluated, by the side of a tile; infinity comes last."""


@dataclass(frozen=True, eq=False)
class Transforms:
    """Aᵀ (m, n), G (n, 3) and Bᵀ (n, n), float64, for tiles of m outputs and n = m + 2 inputs one way."""

    output: np.ndarray
    kernel: np.ndarray
    input: np.ndarray


@cache
def transforms(tile: int) -> Transforms:
    """The matrices for tiles of 2, 4 or 6 outputs one way, of Lavin and Gray's section 5.1."""
    points = np.array(POINTS[tile], np.float64)
    others = [np.delete(points, number) for number in range(len(points))]
    scales = [np.prod(point - rest) for point, rest in zip(points, others, strict=True)]
    values = np.vander(points, tile, increasing=True)
    taps = np.vander(points, TAPS, increasing=True) / np.array(scales)[:, None]
    inputs = np.zeros((len(points) + 1, len(points) + 1))
    for row, roots in enumerate([*others, points]):
        inputs[row, : len(roots) + 1] = np.polynomial.polynomial.polyfromroots(roots)
    return Transforms(_with_infinity(values).T, _with_infinity(taps), inputs)


def _with_infinity(values: np.ndarray) -> np.ndarray:
    """At infinity a polynomial is worth its leading coefficient."""
    return np.vstack([values, np.eye(values.shape[1])[-1]])


def transformed(kernel: np.ndarray, tile: int) -> np.ndarray:
    """G g Gᵀ of a kernel (3, 3, I, O): (n², O, I) float32, across before down: the order that is fastest."""
    matrix = transforms(tile).kernel
    both = np.einsum("la,kb->lkba", matrix, matrix).reshape(-1, TAPS * TAPS).astype(np.float32)
    taps = kernel.astype(np.float32).swapaxes(2, 3)
    places: np.ndarray = both @ taps.reshape(TAPS * TAPS, -1)
    return places.reshape(-1, *taps.shape[2:])


def tile_of(kernel: jax.Array) -> int:
    """The side of the tiles that a transformed kernel is for."""
    return isqrt(len(kernel)) - TAPS + 1


def convolve(x: jax.Array, kernel: jax.Array, bias: jax.Array, pooled: bool = False) -> jax.Array:
    """Rectified convolutions (N, m·R, m·C, O) of x (N, m·R + 2, m·C + 2, I), whose borders are there already.

    ``kernel`` is a `transformed` one. ``pooled`` are the largest of 2 by 2: (N, m·R / 2, m·C / 2, O).
    """
    tile = tile_of(kernel)
    matrices = transforms(tile)
    below = _combined(matrices.input, _shifted(_apart(x), tile, axis=1))
    across = _combined(matrices.input, _shifted(below, tile, axis=3))
    size, _, count, rows, columns, channels = across.shape
    tiles = across.reshape(size * size, count * rows * columns, channels)
    products = jax.lax.dot_general(tiles, kernel, (((2,), (2,)), ((0,), (0,))), jax.lax.Precision.HIGHEST)
    placed = _apart(products).reshape(size, size, count, rows, columns, -1)
    return _outputs(_combined(matrices.output, list(placed)), matrices.output, bias, pooled)


def with_zeros_around(x: jax.Array, kernel: jax.Array, bias: jax.Array, pooled: bool = False) -> jax.Array:
    """`convolve` of maps (N, H, W, I) of any size: (N, H, W, O), or pooled (N, H // 2, W // 2, O)."""
    tile, step = tile_of(kernel), 2 if pooled else 1
    _, height, width, _ = x.shape
    padded = jnp.pad(x, ((0, 0), (1, 1 + -height % tile), (1, 1 + -width % tile), (0, 0)))
    found = _apart(convolve(padded, kernel, bias, pooled))
    return found[:, : height // step, : width // step]


def _shifted(x: jax.Array, tile: int, axis: int) -> list[jax.Array]:
    """For each of a tile's inputs one way, those of all tiles."""
    last = x.shape[axis] - TAPS + 1
    return [
        jax.lax.slice_in_dim(x, first, last - tile + first + 1, tile, axis)
        for first in range(tile + TAPS - 1)
    ]


def _combined(matrix: np.ndarray, parts: Sequence[jax.Array]) -> jax.Array:
    """Each row's combination of the parts, along a new first axis."""
    return _apart(_summed(matrix.T.reshape(len(parts), -1, *[1] * parts[0].ndim), parts))


def _outputs(half: jax.Array, matrix: np.ndarray, bias: jax.Array, pooled: bool) -> jax.Array:
    """Pixels in their order, of tiles (m, n, N, R, C, O) that are transformed across, but not yet down."""
    step = 2 if pooled else 1
    parts = [_down(half[across::step], matrix[down::step]) for down in range(step) for across in range(step)]
    count, rows, below, columns, across, channels = parts[0].shape
    rectified = jax.nn.relu(reduce(jnp.maximum, parts) + bias)
    return rectified.reshape(count, rows * below, columns * across, channels)


def _down(half: jax.Array, matrix: np.ndarray) -> jax.Array:
    """(N, R, rows, C, m, O) of (m, n, N, R, C, O) and a matrix (rows, n)."""
    parts = [jnp.moveaxis(half[:, number], 0, 3)[:, :, None] for number in range(half.shape[1])]
    return _summed(matrix.T[..., None, None, None], parts)


def _summed(factors: np.ndarray, parts: Sequence[jax.Array]) -> jax.Array:
    single = factors.astype(np.float32)
    terms: list[jax.Array] = [factor * part for factor, part in zip(single, parts, strict=True)]
    return reduce(jnp.add, terms)


def _apart(x: jax.Array) -> jax.Array:
    apart: jax.Array = jax.lax.optimization_barrier(x)
    return apart
