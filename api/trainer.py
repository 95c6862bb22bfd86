"""The trainer: a process of its own, of low priority, that reports through a pipe."""

from __future__ import annotations

import asyncio
import json
import math
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from api.logs import Form, Level
from api.processes import ROOT, status_in_words
from services.attempts import LOG_FILE, last_words
from services.following import ids
from services.training import Progress, TrainerFailed
from store.tables import RunState

LOOK_SECONDS = 60.0
HUNGRY_SHARE = 0.5
"""Whoever wants a processor and has had less of one since the last look is kept waiting by others."""


def learning_from(default_model: Path, form: Form = "text", level: Level = "info") -> tuple[str, ...]:
    """The real command: the base set in this folder takes part in every run. Its log is in this form."""
    log = ("--log-format", form, "--log-level", level)
    return sys.executable, "-m", "api.training_process", *log, str(default_model)


@dataclass(frozen=True)
class TrainerProcess:
    """Trains in a spawned process; see `services.training.Trainer`."""

    device: str
    command: tuple[str, ...]
    """Takes the folder as its last argument, and before it by which ids its log is followed; prints a line of
    JSON a step."""

    async def train(self, folder: Path) -> AsyncGenerator[Progress | None]:
        """See `services.training.Trainer.train`."""
        # Not asyncio's own: under uvloop that forks, and jax's threads do not survive a fork unharmed.
        process = self._start(folder)
        assert process.stdout is not None
        reading = _read(process.stdout)
        try:
            while True:
                appetite = _Appetite(process.pid)
                while not (await asyncio.wait([reading], timeout=LOOK_SECONDS))[0]:
                    if appetite.is_unmet():
                        yield None
                if not (line := reading.result()):
                    break
                step = json.loads(line)
                yield Progress(RunState(step["state"]), step["epoch"], step["loss"], step["secondsLeft"])
                reading = _read(process.stdout)
            if await asyncio.to_thread(process.wait) != 0:
                words = await asyncio.to_thread(last_words, folder)
                raise TrainerFailed(f"the trainer ended with {status_in_words(process.returncode)}:\n{words}")
        finally:
            reading.cancel()
            process.kill()
            await asyncio.to_thread(process.communicate)

    def _start(self, folder: Path) -> subprocess.Popen[bytes]:
        with open(folder / LOG_FILE, "wb") as log:
            return subprocess.Popen(  # noqa: S603 - a command of ours, and a folder's name
                [*self.command, "--ids", json.dumps(dict(ids())), str(folder)],
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


def _read(lines: IO[bytes]) -> asyncio.Task[bytes]:
    return asyncio.create_task(asyncio.to_thread(lines.readline))


class _Appetite:
    """Whether others keep a process from the processors, from one look to the next; nothing at the first."""

    def __init__(self, pid: int) -> None:
        self._pid, self._had = pid, -math.inf

    def is_unmet(self) -> bool:
        before, (wanted, self._had) = self._had, _processor(self._pid)
        return wanted and self._had - before < LOOK_SECONDS * HUNGRY_SHARE


def _processor(pid: int) -> tuple[bool, float]:
    """Whether a process wants a processor now, and its seconds on them so far; nothing without /proc."""
    try:
        threads = [_fields(file) for file in Path(f"/proc/{pid}/task").glob("*/stat")]
        whole = _fields(Path(f"/proc/{pid}/stat"))
    except OSError:  # a thread that has ended meanwhile
        return False, 0.0
    ticks = int(whole[11]) + int(whole[12])
    return any(thread[0] == "R" for thread in threads), ticks / os.sysconf("SC_CLK_TCK")


def _fields(stat: Path) -> list[str]:
    """From the state on, the third of proc(5)'s: the name before it may hold anything."""
    return stat.read_text().rpartition(")")[2].split()
