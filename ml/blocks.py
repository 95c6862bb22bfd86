"""Features on the devices, block by block: the first ones stay there, the others are read each time anew."""

from collections.abc import Iterator
from functools import partial

import jax
import numpy as np
from jax.sharding import Mesh

from ml.mesh import divided, evenly
from ml.rows import Features, ahead, take

KEPT_BYTES = {"cpu": 2**29}
"""Of features that stay, on all devices of a process together: a CPU's lie in the memory of the machine."""
OTHERS_KEEP = 2**34
BLOCK_BYTES = {"cpu": 2**22}
"""A block that a processor's caches hold with all that is computed of it."""
OTHERS_BLOCK = 2**27


class Blocks:
    """Features (N, F), divided into blocks (B, F) of one size, each over the devices; zeros fill up the last.

    What does not fit into ``kept_bytes`` is read while the block before is computed with. The blocks come in
    one order, so that sums over them are the same wherever they lay.
    """

    def __init__(
        self, features: Features, mesh: Mesh, kept_bytes: int | None = None, block_bytes: int | None = None
    ) -> None:
        platform = mesh.devices.flat[0].platform
        block_bytes = block_bytes or BLOCK_BYTES.get(platform, OTHERS_BLOCK) * mesh.size
        kept_bytes = KEPT_BYTES.get(platform, OTHERS_KEEP) if kept_bytes is None else kept_bytes
        self.features, self.mesh = features, mesh
        of_row = features.shape[1] * features.dtype.itemsize
        self.count = max(1, -(-len(features) * of_row // block_bytes))
        self.size = evenly(-(-len(features) // self.count), mesh)
        self._kept: list[jax.Array] = []
        self._keep = kept_bytes // (self.size * of_row)

    def __iter__(self) -> Iterator[jax.Array]:
        yield from self._kept
        reads = (partial(self._read, number) for number in range(len(self._kept), self.count))
        for block in ahead(reads):
            placed = divided(block, self.mesh)
            if len(self._kept) < self._keep:
                self._kept.append(placed)
            yield placed

    def cut(self, values: np.ndarray) -> np.ndarray:
        """A value of each row (N,) as float32 for each block's rows (count, B); 0 for rows that fill up."""
        whole = np.zeros(self.count * self.size, np.float32)
        whole[: len(values)] = values
        return whole.reshape(self.count, self.size)

    def _read(self, number: int) -> np.ndarray:
        start = number * self.size
        rows = np.arange(start, min(start + self.size, len(self.features)))
        found = np.zeros((self.size, self.features.shape[1]), self.features.dtype)
        found[: len(rows)] = take(self.features, rows)
        return found
