"""The trainer: a process of its own, of low priority, that reports through a pipe."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from services.training import Progress, TrainerFailed
from store.tables import RunState

LOG_LINES = 20
NICENESS = 19


@dataclass(frozen=True)
class TrainerProcess:
    """Trains in a spawned process; see `services.training.Trainer`."""

    device: str

    async def train(self, folder: Path) -> AsyncGenerator[Progress]:
        """See `services.training.Trainer.train`."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "api.trainer", str(folder)),
            stdin=asyncio.subprocess.PIPE,  # kept open: its end tells the trainer that we are gone
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environment(),
        )
        assert process.stdout is not None
        assert process.stderr is not None
        log = asyncio.create_task(_last_lines(process.stderr))
        try:
            async for line in process.stdout:
                step = json.loads(line)
                yield Progress(RunState(step["state"]), step["epoch"], step["loss"])
            if await process.wait() != 0:
                raise TrainerFailed(f"the trainer ended with status {process.returncode}:\n{await log}")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            log.cancel()

    def _environment(self) -> dict[str, str]:
        # Taken as needed: the server keeps most of a GPU's memory for itself.
        environment = {**os.environ, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
        if self.device == "cpu":
            environment["JAX_PLATFORMS"] = "cpu"
        return environment


async def _last_lines(stream: asyncio.StreamReader) -> str:
    lines: deque[str] = deque(maxlen=LOG_LINES)
    async for line in stream:
        lines.append(line.decode(errors="replace").rstrip())
    return "\n".join(lines)


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
