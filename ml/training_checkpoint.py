"""How far a training has come, as a safetensors file, so that another process may go on from there."""

import hashlib
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import jax
import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from ml import array_file
from ml.rows import Features, blocks

FORMAT = "covid-xr training 2"
"""Raised whenever the same images and settings would be trained in another way."""
LOSSES = "losses"

State = TypeVar("State")


class CheckpointDamaged(ValueError):
    """The bytes are no checkpoint of this training, or a damaged one."""


@dataclass(frozen=True)
class Progress(Generic[State]):
    """What a training moves, a tree of arrays, after the epochs whose mean losses these are."""

    state: State
    losses: list[float]


def fingerprint(*parts: Features | str) -> str:
    """Tells trainings apart by all that they learn from: images, truth, settings."""
    found = hashlib.sha256(FORMAT.encode())
    for part in parts:
        array = np.frombuffer(part.encode(), np.uint8) if isinstance(part, str) else part
        found.update(f"{array.dtype.str} {array.shape};".encode())
        for block in blocks(array):
            found.update(np.ascontiguousarray(block).data)
    return found.hexdigest()


def save(progress: Progress[Any], task: str) -> bytes:
    """The file of a training with this fingerprint."""
    arrays = _named(progress.state) | {LOSSES: np.array(progress.losses, np.float32)}
    return array_file.save(arrays, {"format": FORMAT, "task": task, "sha256": array_file.digest(arrays)})


def load(data: bytes, task: str, beginning: State) -> Progress[State]:
    """How far the training with this fingerprint had come; it begins with a state like this one.

    Raises:
        CheckpointDamaged: the file is another training's, or not as it was saved.
    """
    try:
        card, arrays = array_file.card_of(data), safetensors.numpy.load(data)
        if card != {"format": FORMAT, "task": task, "sha256": array_file.digest(arrays)}:
            raise CheckpointDamaged("the file is another training's, or damaged")
        return Progress(_filled(beginning, arrays), arrays[LOSSES].tolist())
    except (SafetensorError, ValueError, KeyError, TypeError, struct.error) as error:
        raise CheckpointDamaged(f"the file is no checkpoint of this training: {error}") from error


def write(file: Path, data: bytes) -> None:
    """Put a file there whole or not at all, even where the machine loses its power."""
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(f".{os.getpid()}.unfinished")
    with unfinished.open("wb") as half:
        half.write(data)
        half.flush()
        os.fsync(half.fileno())
    unfinished.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _named(state: Any) -> dict[str, np.ndarray]:
    leaves = jax.tree_util.tree_leaves_with_path(state)
    return {f"state{jax.tree_util.keystr(path)}": np.asarray(leaf) for path, leaf in leaves}


def _filled(beginning: State, arrays: Mapping[str, np.ndarray]) -> State:
    def fill(path: Any, leaf: Any) -> np.ndarray:
        found = arrays[f"state{jax.tree_util.keystr(path)}"]
        if (found.dtype, found.shape) != (leaf.dtype, leaf.shape):
            raise CheckpointDamaged("the file is of another state")
        return found

    filled: State = jax.tree_util.tree_map_with_path(fill, beginning)
    return filled
