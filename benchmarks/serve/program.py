"""`covidxr`, which notes when its event loop stands still: `python -m benchmarks.serve.program FILE serve`.

A task of the loop wants to run every five milliseconds; by how much it comes too late somebody held the loop,
or the kernel gave the loop's thread no core. The kernel counts the latter for each thread
(`/proc/PID/task/TID/schedstat`), so that both are told apart; waiting for Python's lock counts as held.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

from api import cli, wiring
from services.platform import Platform

EVERY_SECONDS = 0.005
NOTED_SECONDS = 0.005
"""Shorter ones are not noted."""
NANOSECOND = 1e-9


async def note(file: Path) -> None:
    """Append a line for each pause: when it ended, how long the loop was held, how long it got no core."""
    schedule = os.open(f"/proc/self/task/{threading.get_native_id()}/schedstat", os.O_RDONLY)
    with file.open("w", buffering=1) as notes:
        while True:
            began, without_core = perf_counter(), _without_core(schedule)
            await asyncio.sleep(EVERY_SECONDS)
            ended = perf_counter()
            late = ended - began - EVERY_SECONDS
            if late >= NOTED_SECONDS:
                starved = min(late, _without_core(schedule) - without_core)
                notes.write(f"{ended:.4f} {late - starved:.4f} {starved:.4f}\n")


def _without_core(schedule: int) -> float:
    """Seconds in which this thread could have run and did not."""
    return int(os.pread(schedule, 100, 0).split()[1]) * NANOSECOND


def noted(file: Path) -> Any:
    """`wiring.running`, with the task beside it."""

    @asynccontextmanager
    async def running(*given: Any, **named: Any) -> AsyncIterator[Platform]:
        async with real_running(*given, **named) as platform:
            task = asyncio.create_task(note(file))
            yield platform
            task.cancel()

    return running


real_running = wiring.running

if __name__ == "__main__":
    wiring.running = noted(Path(sys.argv.pop(1)))
    cli.main()
