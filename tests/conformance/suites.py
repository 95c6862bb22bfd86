"""Runs the suites of others, which are npm packages, on Node."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path

from tests.live import ROOT

FOLDER = Path(__file__).parent
MODULES = FOLDER / "node_modules"
SECONDS = 120
"""How long any of them may take."""


def install() -> str | None:
    """What hinders npm from fetching the packages; None where they are there. One asks at a time."""
    with open(FOLDER / "package-lock.json", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = subprocess.run(["make", "suites"], cwd=ROOT, capture_output=True, text=True, check=False)
    return made.stderr.strip() if made.returncode else None


def run(file: str, **environment: str) -> None:
    """Runs a file of tests by Node's runner; what fails there is told here."""
    command = [
        "node",
        "--test",
        "--test-force-exit",
        f"--test-timeout={SECONDS * 1000}",
        f"suites/{file}.test.js",
    ]
    done = subprocess.run(
        command,
        cwd=FOLDER,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=SECONDS + 20,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
