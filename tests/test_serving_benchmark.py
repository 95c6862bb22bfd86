"""What `make bench-serve` says of a server's event loop."""

import asyncio
import time
from pathlib import Path

import pytest

from benchmarks.serve.__main__ import Watch
from benchmarks.serve.program import note

linux = pytest.mark.skipif(
    not Path("/proc/self/schedstat").is_file(), reason="the system does not tell who had no core"
)


@linux
@pytest.mark.parametrize("seconds", [0.0, 0.2])
async def test_a_loop_that_is_held_is_noticed(tmp_path: Path, seconds: float) -> None:
    notes = tmp_path / "pauses"
    noting = asyncio.create_task(note(notes))
    await asyncio.sleep(0.05)
    watch = Watch(pid=0, notes=notes)
    time.sleep(seconds)  # noqa: ASYNC251 - which is what is to be noticed
    await asyncio.sleep(0.05)
    noting.cancel()
    held = max(watch.held(), default=0.0)
    assert (held > 150) == bool(seconds)
    assert held < 1000 * seconds + 150
