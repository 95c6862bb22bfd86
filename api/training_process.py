"""What runs in the trainer's process: steps back, then learns, and ends with its parent.

Imports nothing heavy itself: threads that numpy or jax started earlier would keep their priority.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TextIO

from api import logs
from services.following import followed

NICENESS = 19

logger = logging.getLogger("trainer")


def main() -> None:
    """Train from a default model's folder on what lies in a run's: the two that the command line names."""
    given = _given(sys.argv[1:])
    _step_back()
    _leave_signals_to_parent()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    pipe = _pipe()
    logs.set_up(given.log_format, given.log_level)
    # Told at every level: where it is killed, nothing else says to people how far it came.
    logger.setLevel(min(logger.level, logging.INFO))
    from services.learning import learn  # imports numpy and jax

    with followed(given.ids):
        learn(given.folder, partial(_report, pipe), given.beginning)


def _given(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log-format", default="text")
    parser.add_argument("--log-level", default="info")
    parser.add_argument("--ids", type=json.loads, default={}, help="by which its log is followed, as JSON")
    parser.add_argument("beginning", type=Path)
    parser.add_argument("folder", type=Path)
    return parser.parse_args(arguments)


def _step_back() -> None:
    """Leave the processor to serving: half of the cores, and of these what nobody else wants.

    By niceness alone serving waits for the trainer's slices: one in a hundred predictions took 1.4 times as
    long, and takes 1.1 times by Linux's idle policy (docs/decisions/0023-what-a-server-adds.md).
    """
    os.nice(NICENESS)
    if hasattr(os, "SCHED_IDLE"):
        with suppress(PermissionError):  # some containers allow no change
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
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
    logger.info("%s epoch %d loss %s", state, epoch, loss)


if __name__ == "__main__":
    main()
