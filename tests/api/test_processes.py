"""How processes end: with the status of what they did, whatever threads libraries have."""

from __future__ import annotations

import _thread
import subprocess
import sys
import time
from pathlib import Path

import pytest

from api.processes import let_others_end
from tests.live import ROOT

WRITES_AND_ENDS = """
import asyncio, sys
from api.processes import let_others_end
from store.blobs import Blobs

asyncio.run(Blobs(sys.argv[1]).delete(["pixels/1", "pixels/2"]))
let_others_end()
"""
OFTEN = 12
"""Of as many processes that do not wait some are aborted, each as likely as not."""


def test_a_thread_of_others_that_is_within_python_is_waited_for() -> None:
    ended = []

    def stranger() -> None:
        time.sleep(0.2)
        ended.append(time.monotonic())

    _thread.start_new_thread(stranger, ())
    time.sleep(0.05)  # until it runs
    let_others_end()
    assert ended


def test_nobody_is_waited_for_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.processes.ENDING_SECONDS", 0.05)
    _thread.start_new_thread(lambda: time.sleep(1), ())
    time.sleep(0.05)
    began = time.monotonic()
    let_others_end()
    assert time.monotonic() - began < 0.5


def test_a_process_that_ends_behind_its_last_blob_is_not_aborted(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITES_AND_ENDS, f"file://{tmp_path}"]
    ends = [subprocess.run(command, cwd=ROOT, check=False).returncode for _ in range(OFTEN)]
    assert ends == [0] * OFTEN
