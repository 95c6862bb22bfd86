"""The trainer: a process of its own, of low priority, that reports through a pipe."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from services.attempts import LOG_FILE, last_words
from services.training import Progress, TrainerFailed
from store.tables import RunState

ROOT = Path(__file__).parents[1]


def learning_from(default_model: Path) -> tuple[str, ...]:
    """The real command: the base set in this folder takes part in every run."""
    return sys.executable, "-m", "api.training_process", str(default_model)


@dataclass(frozen=True)
class TrainerProcess:
    """Trains in a spawned process; see `services.training.Trainer`."""

    device: str
    command: tuple[str, ...]
    """Takes the folder as its last argument and prints a line of JSON a step."""

    async def train(self, folder: Path) -> AsyncGenerator[Progress]:
        """See `services.training.Trainer.train`."""
        # Not asyncio's own: under uvloop that forks, and jax's threads do not survive a fork unharmed.
        process = self._start(folder)
        assert process.stdout is not None
        try:
            while line := await asyncio.to_thread(process.stdout.readline):
                step = json.loads(line)
                yield Progress(RunState(step["state"]), step["epoch"], step["loss"], step["secondsLeft"])
            if await asyncio.to_thread(process.wait) != 0:
                words = await asyncio.to_thread(last_words, folder)
                raise TrainerFailed(f"the trainer ended with {_status(process.returncode)}:\n{words}")
        finally:
            process.kill()
            await asyncio.to_thread(process.communicate)

    def _start(self, folder: Path) -> subprocess.Popen[bytes]:
        with open(folder / LOG_FILE, "wb") as log:
            return subprocess.Popen(
                [*self.command, str(folder)],
                stdin=subprocess.PIPE,  # kept open: its end tells the trainer that we are gone
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
                env=self._environment(),
            )

    def _environment(self) -> dict[str, str]:
        # Taken as needed: the server keeps most of a GPU's memory for itself.
        environment = {**os.environ, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
        if self.device == "cpu":
            environment["JAX_PLATFORMS"] = "cpu"
        return environment


def _status(code: int) -> str:
    """An exit status in words: of a negative one, the signal that ended the process."""
    name = next((f" ({one.name})" for one in signal.Signals if one == -code), "")
    return f"status {code}{name}"
