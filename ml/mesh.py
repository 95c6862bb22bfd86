"""The devices that a training is divided over: each has its part of the images, and all that is learned."""

from typing import TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

IMAGES = "images"

Tree = TypeVar("Tree")


def all_devices() -> Mesh:
    """Every device of this process, and of the others where `jax.distributed` joins several."""
    return jax.make_mesh((jax.device_count(),), (IMAGES,), axis_types=(AxisType.Auto,))


def by_image(mesh: Mesh) -> NamedSharding:
    """How arrays lie whose first axis counts images: each device has as many."""
    return NamedSharding(mesh, PartitionSpec(IMAGES))


def everywhere(mesh: Mesh) -> NamedSharding:
    """How arrays lie that every device has."""
    return NamedSharding(mesh, PartitionSpec())


def evenly(count: int, mesh: Mesh) -> int:
    """So many images, or the few more that divide by the number of devices."""
    return -(-count // mesh.size) * mesh.size


def divided(rows: np.ndarray, mesh: Mesh) -> jax.Array:
    """Rows (N, …), the same in every process, divided over the devices; the last are filled with zeros."""
    missing = evenly(len(rows), mesh) - len(rows)
    whole = np.pad(rows, [(0, missing)] + [(0, 0)] * (rows.ndim - 1)) if missing else rows
    return jax.make_array_from_callback(whole.shape, by_image(mesh), lambda part: whole[part])


def each_divided(tree: Tree, mesh: Mesh) -> Tree:
    """Batches (S, B, …), the same in every process, each divided over the devices, which divide B."""
    where = NamedSharding(mesh, PartitionSpec(None, IMAGES))

    def put(leaf: np.ndarray) -> jax.Array:
        return jax.make_array_from_callback(leaf.shape, where, lambda part: leaf[part])

    moved: Tree = jax.tree.map(put, tree)
    return moved


def on_each(tree: Tree, mesh: Mesh) -> Tree:
    """Arrays, the same in every process, on each device."""

    def put(leaf: np.ndarray) -> jax.Array:
        whole = np.asarray(leaf)
        return jax.make_array_from_callback(whole.shape, everywhere(mesh), lambda part: whole[part])

    moved: Tree = jax.tree.map(put, tree)
    return moved


def gathered(rows: jax.Array) -> np.ndarray:
    """Rows that are divided over the devices, those that fill them up among them, whole in every process."""
    whole: np.ndarray = np.asarray(multihost_utils.process_allgather(rows, tiled=True))
    return whole
