"""The process that tries inputs of a target until one of them is a finding, or its time is over.

python -m tests.fuzz.trying FOLDER MODULE TARGET WATCHED FLAG… with flags of libFuzzer, which makes the
inputs: it keeps those that reach what none before did, and makes others of them.
"""

from __future__ import annotations

import os
import sys
import time
from importlib import import_module
from pathlib import Path

import atheris

from tests.fuzz.page import Page
from tests.fuzz.target import Target, Try

SLOW_SECONDS = 2.0
"""Of a processor's time for one input."""
MEGABYTES = 500
"""More than a process had before."""
UNWATCHED = ["ml.fingerprint", "ml.formats.dicom_display"]
"""They compare arrays, and atheris 3.1 never lets go of what that gives: 64 kB for each DICOM file."""


def main(folder: str, module: str, name: str, watched: str, *flags: str) -> None:
    with atheris.instrument_imports(include=watched.split(","), exclude=UNWATCHED):
        target: Target = import_module(module).TARGETS[name]
    with target.opened() as is_taken:
        is_taken(target.seeds()[0])  # so that what is made once is no finding
        page, most = Page.of(Path(folder) / "page"), megabytes() + MEGABYTES

        def tried(data: bytes) -> None:
            page.tried, page.at_hand = page.tried + 1, data
            if wrong := wrong_with(data, is_taken, page, most):
                (Path(folder) / "wrong").write_text(wrong)
                os._exit(1)

        page.began = time.monotonic()
        atheris.Setup([name, *flags], tried)
        atheris.Fuzz()


def wrong_with(data: bytes, is_taken: Try, page: Page, most: int) -> str | None:
    began = time.process_time()
    try:
        page.taken += is_taken(data)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    if (took := time.process_time() - began) > SLOW_SECONDS:
        return f"took {took:.1f} s"
    return f"took more than {MEGABYTES} MB" if megabytes() > most else None


def megabytes() -> int:
    """The most that this process ever had. Not by getrusage, which counts what its parent had."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) >> 10


if __name__ == "__main__":
    main(*sys.argv[1:])
