"""Runs the trainer's own process on a folder, and tells how long it took and how much memory it held."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, sleep
from typing import IO, Final

from api.trainer import ROOT, learning_from

LOOK_SECONDS: Final = 0.02
MIB: Final = 1024


@dataclass
class Cost:
    """Of one retraining: seconds until its end, seconds of each report since the one before, and memory."""

    seconds: float = 0.0
    steps: list[tuple[str, int, float]] = field(default_factory=list)
    peak_mib: float = 0.0
    """VmHWM: the most that was resident at once, pages of mapped files and of libraries among them."""
    anonymous_mib: float = 0.0
    """The most seen of what no file backs (RssAnon), looked at every 20 ms."""

    @property
    def epoch_seconds(self) -> float:
        """The fastest epoch after the first, which waits for the compiler."""
        epochs = [seconds for state, epoch, seconds in self.steps if state == "TRAINING" and epoch > 1]
        return min(epochs, default=self.steps[0][2])


class TrainerEnded(RuntimeError):
    """The trainer ended without an outcome; the text is its log's end."""


def run(beginning: Path, folder: Path) -> Cost:
    """Train in a process of its own, as the platform does. Raises TrainerEnded."""
    cost, start = Cost(), perf_counter()
    command = [*learning_from(beginning), str(folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, stderr=log, cwd=ROOT, **pipes) as process,  # type: ignore[call-overload]
    ):
        looking = threading.Thread(target=_look, args=(process, cost))
        looking.start()
        _follow(process.stdout, cost, start)
        status = process.wait()
        looking.join()
    cost.seconds = perf_counter() - start
    if status:
        raise TrainerEnded((folder / "log").read_text()[-2000:])
    return cost


def _follow(reports: IO[bytes], cost: Cost, last: float) -> None:
    for line in reports:
        step, now = json.loads(line), perf_counter()
        cost.steps.append((step["state"], step["epoch"], now - last))
        last = now


def _look(process: subprocess.Popen[bytes], cost: Cost) -> None:
    """Note the process's memory until its end, after which the kernel knows of it no more."""
    while process.poll() is None:
        found = _status(process.pid)
        cost.peak_mib = max(cost.peak_mib, found.get("VmHWM", 0) / MIB)
        cost.anonymous_mib = max(cost.anonymous_mib, found.get("RssAnon", 0) / MIB)
        sleep(LOOK_SECONDS)


def _status(pid: int) -> dict[str, int]:
    """What Linux tells of a process in kB; nothing once it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return {}
    pairs = (line.split() for line in lines if line.endswith("kB"))
    return {name.rstrip(":"): int(value) for name, value, _ in pairs}


if __name__ == "__main__":
    print(run(*map(Path, sys.argv[1:3])))
