"""Inputs tried in a process of their own, which may end, hang or grow over one, and then in the next."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from itertools import count, takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.fuzz.page import LONGEST, Page
from tests.fuzz.target import Target

LACKING = None if find_spec("atheris") else "no atheris: it is built for Linux on x86-64, Python 3.12 and up"
TARGETS = "tests.fuzz.targets"
HUNG_SECONDS = 30
"""Of anybody's time, after which nothing more is expected."""
HUNG_STATUS = 70
"""What libFuzzer ends a process with that hangs."""
LONGEST_WORD = 64
"""Bytes, in a dictionary of libFuzzer's."""
FLAGS = [
    f"-max_len={LONGEST}",
    "-len_control=0",
    "-mutate_depth=2",  # changes at a time: of five as by default, hardly anything is read to its end
    "-rss_limit_mb=0",  # the process itself looks at what each input took
    "-close_fd_mask=3",  # libtiff tells of each bad code word
    # A signal ends the process and is its status, as it would be a server's.
    *(f"-handle_{signal}=0" for signal in ("segv", "bus", "abrt", "ill", "fpe")),
]


@dataclass
class Hunt:
    """What came of a target; what is wrong stands by the SHA-256 of its input."""

    target: str
    inputs: int = 0
    taken: int = 0
    seconds: float = 0.0
    findings: dict[str, str] = field(default_factory=dict)

    @property
    def figures(self) -> dict[str, Any]:
        """For JSON."""
        return vars(self) | {"seconds": round(self.seconds, 1), "findings": len(self.findings)}


def hunt(name: str, seconds: float, seed: str, kept: Path, module: str = TARGETS) -> Hunt:
    """Try inputs of a target for so long; findings are kept in the folder by their hash."""
    found, target = Hunt(name), import_module(module).TARGETS[name]
    with TemporaryDirectory() as folder:
        corpus, words = _written(target, Path(folder))
        for number in takewhile(lambda _: found.seconds < seconds, count()):
            flags = [f"-seed={zlib.crc32(f'{seed} {number}'.encode()) or 1}", f"-dict={words}"]
            flags += [f"-max_total_time={max(1, int(seconds - found.seconds))}", str(corpus)]
            began = time.monotonic()
            page, wrong = _tried(target, module, Path(folder), flags)
            # The first start is nobody's time, those after a finding are the hunt's.
            found.seconds += time.monotonic() - (began if number else page.began)
            found.inputs, found.taken = found.inputs + page.tried, found.taken + page.taken
            if wrong is not None:
                _keep(found, page.at_hand, wrong, kept)
                (corpus / _name(page.at_hand)).unlink(missing_ok=True)
    return found


def again(name: str, file: Path, module: str = TARGETS) -> str | None:
    """What is wrong with the input of a file, if anything."""
    with TemporaryDirectory() as folder:
        return _tried(import_module(module).TARGETS[name], module, Path(folder), [str(file)])[1]


def _written(target: Target, folder: Path) -> tuple[Path, Path]:
    """What to begin with, and the words to put in here and there; a long one is something to begin with."""
    corpus, words = folder / "corpus", folder / "words"
    corpus.mkdir()
    for data in (*target.seeds(), *(word for word in target.tokens if len(word) > LONGEST_WORD)):
        (corpus / _name(data)).write_bytes(data)
    lines = [f'"{_escaped(word)}"\n' for word in target.tokens]
    words.write_text("".join(lines) or "# none\n")
    return corpus, words


def _name(data: bytes) -> str:
    """What libFuzzer calls the file of an input."""
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def _escaped(word: Iterable[int]) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


def _tried(target: Target, module: str, folder: Path, flags: list[str]) -> tuple[Page, str | None]:
    """What one process did, and what was wrong with the input that it ended over, if it did."""
    with TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as name:  # for all that it leaves, too
        place = Path(name)
        page, log, told = Page.of(place / "page"), place / "log", place / "wrong"
        status = _run(target, module, place, flags, log)
        if not page.tried:
            raise RuntimeError(f"{target.name}: nothing could be tried: {log.read_text(errors='replace')}")
        return page, told.read_text() if told.exists() else _ending(status)


def _run(target: Target, module: str, place: Path, flags: list[str], log: Path) -> int:
    command = [sys.executable, "-m", "tests.fuzz.trying", str(place), module, target.name]
    command += [",".join(target.watched), *flags, *FLAGS]
    command += [f"-timeout={HUNG_SECONDS}", f"-artifact_prefix={place}/"]
    environment = {**os.environ, "TMPDIR": str(place), "PYTHONHASHSEED": "0"}
    with log.open("wb") as output:
        done = subprocess.run(command, env=environment, stdout=output, stderr=subprocess.STDOUT, check=False)
    return done.returncode


def _ending(status: int) -> str | None:
    if status == HUNG_STATUS:
        return f"hung for {HUNG_SECONDS} s"
    return f"the process ended with status {status}" if status else None


def _keep(found: Hunt, data: bytes, wrong: str, kept: Path) -> None:
    name, place = hashlib.sha256(data).hexdigest(), kept / found.target
    place.mkdir(parents=True, exist_ok=True)
    (place / name).write_bytes(data)
    (place / f"{name}.txt").write_text(f"{wrong}\nAgain: python -m tests.fuzz --again {place / name}\n")
    found.findings[name] = wrong
