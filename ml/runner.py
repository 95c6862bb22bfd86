"""Runs a training's epochs over all devices, and from its checkpoint on where it has one."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh

from ml import training_checkpoint
from ml.mesh import all_devices, on_each
from ml.rows import Features
from ml.training_checkpoint import CheckpointDamaged, Progress, fingerprint

OnEpoch = Callable[[int, float], None]
CHECKPOINT_SECONDS = 30.0

State = TypeVar("State")

logger = logging.getLogger(__name__)


def unheard(epoch: int, loss: float) -> None:
    """For whoever does not follow the training."""


class OtherTask(ValueError):
    """The processes of one training were given different images or settings."""


@dataclass
class Runner:
    """Where a training runs, and the folder, if any, of its checkpoints: one every so many seconds.

    A checkpoint is named by the fingerprint of what its training learns from, so that none is taken up by
    another. Of several processes the first alone keeps them, and tells the others.
    """

    mesh: Mesh = field(default_factory=all_devices)
    checkpoints: Path | None = None
    every_seconds: float = CHECKPOINT_SECONDS
    _saved: float = field(default_factory=time.monotonic, init=False)

    def task(self, *parts: Features | str) -> str:
        """The fingerprint of a training; empty where nobody asks for it.

        Raises:
            OtherTask: the processes of this training have different parts.
        """
        if self.checkpoints is None and jax.process_count() == 1:
            return ""
        found = fingerprint(*parts)
        ours = np.frombuffer(bytes.fromhex(found), np.uint8)
        if not np.array_equal(multihost_utils.broadcast_one_to_all(ours), ours):
            raise OtherTask(
                "the processes of this training learn from different images or settings: start all of them "
                "with the same options, on the same images and features"
            )
        return found

    def run(
        self,
        task: str,
        beginning: State,
        epoch: Callable[[State, int], tuple[State, jax.Array | np.ndarray]],
        epochs: int,
        on_epoch: OnEpoch = unheard,
        on_resume: OnEpoch = unheard,
    ) -> State:
        """The state after all epochs, counted from 1, each of which returns its mean loss.

        ``on_epoch`` hears of each; ``on_resume`` of the last that was done before, where there is a
        checkpoint. What they raise ends the training.
        """
        progress = self._begun(task, beginning, epochs)
        state, losses = on_each(progress.state, self.mesh), progress.losses
        if losses:
            on_resume(len(losses), losses[-1])
        for number in range(len(losses) + 1, epochs + 1):
            state, loss = epoch(state, number)
            losses.append(float(loss))
            self._keep(task, Progress(state, losses), number == epochs)
            on_epoch(number, losses[-1])
        return state

    def _begun(self, task: str, beginning: State, epochs: int) -> Progress[State]:
        """From where every process goes on: the beginning, or the first one's checkpoint."""
        own = self._kept(task, beginning) or Progress(beginning, [])
        if jax.process_count() == 1:
            return own
        padded = np.pad(np.array(own.losses, np.float32), (0, epochs - len(own.losses)))
        told = own.state, padded, np.int32(len(own.losses))
        state, losses, count = multihost_utils.broadcast_one_to_all(told)
        return Progress(state, losses[:count].tolist())

    def _kept(self, task: str, beginning: State) -> Progress[State] | None:
        if self.checkpoints is None or jax.process_index() != 0:
            return None
        try:
            return training_checkpoint.load(self._file(task).read_bytes(), task, beginning)
        except FileNotFoundError:
            return None
        except CheckpointDamaged as error:
            logger.warning("the training begins anew: %s", error)
            return None

    def _keep(self, task: str, progress: Progress[State], at_end: bool) -> None:
        """A checkpoint, if it is time for one; always at the end, since more trainings may follow."""
        if self.checkpoints is None or jax.process_index() != 0:
            return
        if at_end or time.monotonic() - self._saved >= self.every_seconds:
            training_checkpoint.write(self._file(task), training_checkpoint.save(progress, task))
            self._saved = time.monotonic()

    def _file(self, task: str) -> Path:
        assert self.checkpoints is not None
        return self.checkpoints / f"{task}.safetensors"
