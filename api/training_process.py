"""What runs in the trainer's process: steps back, then learns, and ends with its parent.

Imports nothing heavy itself: threads that numpy or jax started earlier would keep their priority.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TextIO

NICENESS = 19


def main() -> None:
    """Train from a default model's folder on what lies in a run's: the two that the command line names."""
    _step_back()
    _leave_signals_to_parent()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    pipe = _pipe()
    from services.learning import learn  # imports numpy and jax

    beginning, folder = map(Path, sys.argv[1:])
    learn(folder, partial(_report, pipe), beginning)


def _step_back() -> None:
    """Leave the processor to serving: the lowest priority, and half of the cores."""
    os.nice(NICENESS)
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[len(cores) // 2 :])


def _leave_signals_to_parent() -> None:
    """Ctrl+C and service managers tell every process to stop: the run would fail before it is given back."""
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, signal.SIG_IGN)


def _end_with_parent() -> None:
    # The descriptor, not sys.stdin: its lock, held by this thread, would abort the interpreter's shutdown.
    os.read(0, 1)
    os._exit(1)


def _pipe() -> TextIO:
    """What we report through. Whatever else is printed, by any library, goes to the log."""
    pipe = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return pipe


def _report(
    pipe: TextIO, state: str, epoch: int, loss: float | None, seconds_left: float | None = None
) -> None:
    step = {"state": state, "epoch": epoch, "loss": loss, "secondsLeft": seconds_left}
    print(json.dumps(step), file=pipe, flush=True)
    # In the log too, whose last lines tell how far it came where it is killed.
    print(state, "epoch", epoch, "loss", loss, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
