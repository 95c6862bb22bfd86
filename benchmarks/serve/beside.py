"""A real trainer at work on many images, which goes on and stands still as it is told."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from api.trainer import TrainerProcess, learning_from
from benchmarks.retraining.laying_out import lay_out
from services.attempts import LOG_FILE

HEAD, EPOCHS = "C", 1000
"""More than there is time for: of the paper's head, which goes on where head D has converged in seconds."""


class Trainer:
    """The process that a server starts for a run; it stands still where it is told nothing else."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._process.send_signal(signal.SIGSTOP)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        assert self._process.poll() is None, "the trainer has ended"
        self._process.send_signal(signal.SIGCONT)
        yield
        self._process.send_signal(signal.SIGSTOP)


@contextmanager
def training(folder: Path, images: int) -> Iterator[Trainer]:
    """A trainer that has begun with its epochs, as long as the context lasts."""
    beginning, run = lay_out(folder, HEAD, images, EPOCHS)
    process = TrainerProcess("cpu", learning_from(beginning))._start(run)
    try:
        assert process.stdout
        assert process.stdout.readline(), (run / LOG_FILE).read_text()
        yield Trainer(process)
    finally:
        process.kill()
        process.communicate()
