"""Feature vectors that need not be in memory at once: in arrays and files, and read some at a time."""

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

Read = TypeVar("Read")


class RowsMissing(OSError):
    """A file ends before the rows that it should hold."""


@dataclass(frozen=True)
class RowFile:
    """Vectors (N, F) float16 of a file that holds nothing else.

    Read, not mapped: pages of a mapped file count as the process's memory until the system wants them back.
    """

    path: Path
    shape: tuple[int, int]

    def __getitem__(self, rows: np.ndarray) -> np.ndarray:
        """Some rows (M,) in any order; those that follow one another are read at once. Raises RowsMissing."""
        found = np.empty((len(rows), self.shape[1]), "<f2")
        ends = np.flatnonzero(np.diff(rows, append=-2) != 1) + 1
        with self.path.open("rb", buffering=0) as file:
            for begin, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True):
                self._fill(file.fileno(), found[begin:end], int(rows[begin]))
        return found

    def _fill(self, file: int, wanted: np.ndarray, row: int) -> None:
        place, left = row * self.shape[1] * wanted.itemsize, memoryview(wanted.view(np.uint8)).cast("B")
        while left:
            count = os.preadv(file, [left], place)
            if not count:
                raise RowsMissing(f"{self.path} ends before row {row + len(wanted)} of {self.shape[0]}")
            place, left = place + count, left[count:]


@dataclass(frozen=True, eq=False)
class Rows:
    """Vectors (N, F) float16: those ``chosen`` (N,) of what the ``parts`` hold, one after the other."""

    parts: Sequence[np.ndarray | RowFile]
    chosen: np.ndarray

    dtype = np.dtype("<f2")

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.chosen), self.parts[0].shape[1]

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, rows: np.ndarray) -> "Rows":
        """Some of them, of which nothing is read yet; ``rows`` are numbers (M,) or a mask (N,)."""
        return Rows(self.parts, self.chosen[rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """All of them, in memory."""
        return self.read(np.arange(len(self))).astype(dtype or self.dtype, copy=False)

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Some of them (M, F) by their numbers (M,). Raises RowsMissing."""
        wanted, found, first = self.chosen[rows], np.empty((len(rows), self.shape[1]), self.dtype), 0
        for part in self.parts:
            here = (wanted >= first) & (wanted < first + part.shape[0])
            if here.any():
                found[here] = part[wanted[here] - first]
            first += part.shape[0]
        return found


Features = np.ndarray | Rows
BLOCK_BYTES = 2**24


def join(*parts: np.ndarray | RowFile) -> Rows:
    """All rows of several sources of one width."""
    return Rows(parts, np.arange(sum(part.shape[0] for part in parts)))


def take(features: Features, rows: np.ndarray) -> np.ndarray:
    """Some rows (M, F) by their numbers (M,), in memory."""
    return features.read(rows) if isinstance(features, Rows) else features[rows]


def blocks(features: Features, most_bytes: int = BLOCK_BYTES) -> Iterator[np.ndarray]:
    """All rows in their order, some megabytes at a time; of no rows one empty block."""
    of_row = features.dtype.itemsize * math.prod(features.shape[1:])
    size = max(1, most_bytes // max(1, of_row))
    for start in range(0, max(1, len(features)), size):
        stop = min(start + size, len(features))
        yield features.read(np.arange(start, stop)) if isinstance(features, Rows) else features[start:stop]


def ahead(reads: Iterable[Callable[[], Read]]) -> Iterator[Read]:
    """What each of them reads, while a thread reads the next one."""
    with ThreadPoolExecutor(1) as reader:
        waiting = None
        for read in reads:
            following = reader.submit(read)
            if waiting is not None:
                yield waiting.result()
            waiting = following
        if waiting is not None:
            yield waiting.result()
