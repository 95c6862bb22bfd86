"""The trainer: a process of its own, of low priority, that reports through a pipe."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from services.training import Progress, TrainerFailed
from store.tables import RunState

ROOT = Path(__file__).parents[1]
LOG_FILE = "trainer.log"
LOG_LINES = 20
NICENESS = 19


@dataclass(frozen=True)
class TrainerProcess:
    """Trains in a spawned process; see `services.training.Trainer`."""

    device: str

    async def train(self, folder: Path) -> AsyncGenerator[Progress]:
        """See `services.training.Trainer.train`."""
        # Not asyncio's own: under uvloop that forks, and jax's threads do not survive a fork unharmed.
        process = await asyncio.to_thread(self._start, folder)
        assert process.stdout is not None
        try:
            while line := await asyncio.to_thread(process.stdout.readline):
                step = json.loads(line)
                yield Progress(RunState(step["state"]), step["epoch"], step["loss"])
            if await asyncio.to_thread(process.wait) != 0:
                raise TrainerFailed(f"the trainer ended with status {process.returncode}:\n{_tail(folder)}")
        finally:
            process.kill()
            process.communicate()

    def _start(self, folder: Path) -> subprocess.Popen[bytes]:
        with open(folder / LOG_FILE, "wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "api.trainer", str(folder)],
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


def _tail(folder: Path) -> str:
    lines = (folder / LOG_FILE).read_text(errors="replace").splitlines()
    return "\n".join(lines[-LOG_LINES:])


def _step_back() -> None:
    """Leave the processor to serving: lowest priority, and half of the cores; before jax counts them."""
    os.nice(NICENESS)
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[len(cores) // 2 :])


def _end_with_parent() -> None:
    # The descriptor, not sys.stdin: its lock, held by this thread, would abort the interpreter's shutdown.
    os.read(0, 1)
    os._exit(1)


def _report(state: str, epoch: int, loss: float | None) -> None:
    print(json.dumps({"state": state, "epoch": epoch, "loss": loss}), flush=True)


def main() -> None:
    """Train on the folder named on the command line."""
    _step_back()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from services.learning import learn  # imports jax

    learn(Path(sys.argv[1]), _report)


if __name__ == "__main__":
    main()
