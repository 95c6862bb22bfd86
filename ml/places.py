"""Coarse places: a convolution's maps of a chest as a vector of length 1 for a linear head to read."""

import flax.linen as nn
import jax
import jax.numpy as jnp


def in_places(maps: jax.Array) -> jax.Array:
    """Maps (N, H, W, C) of no negative values as features (N, F): of VGG16's (N, 10, 10, 512), 7,680.

    Places are pooled two by two, and columns are counted from the edge in: left and right are averaged, since
    most findings may be on either side. Square roots keep a few strong units from drowning the rest
    (Perronnin et al. 2010), and a length of 1 takes the overall contrast away.
    """
    coarse = nn.avg_pool(maps, (2, 2), strides=(2, 2))  # type: ignore[no-untyped-call]
    columns = _from_the_edge(coarse.shape[2])
    both_sides = (coarse + coarse[:, :, ::-1])[:, :, :columns] / 2
    rooted = _root(both_sides.reshape(len(maps), -1))
    features: jax.Array = rooted / jnp.maximum(jnp.linalg.norm(rooted, axis=1, keepdims=True), 1e-6)
    return features


def features_of(side: int, channels: int) -> int:
    """How many features there are of maps (side, side, channels)."""
    return side // 2 * _from_the_edge(side // 2) * channels


def _from_the_edge(columns: int) -> int:
    return (columns + 1) // 2


def _root(values: jax.Array) -> jax.Array:
    """Square roots whose gradient at 0, where a unit sees nothing, is 0 and not infinite."""
    seen = values > 0
    return jnp.where(seen, jnp.sqrt(jnp.where(seen, values, 1)), 0)
