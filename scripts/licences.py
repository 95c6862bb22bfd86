"""The licences of what the platform and its pages are built on, and whether each is one that we take.

`make licences` lists them. Those of Python packages are what the installed ones say of themselves. What
requirements-cuda.lock adds is not among them: NVIDIA's packages have gigabytes, and name no licence.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from email.message import Message
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PYTHON_LOCKS = ("requirements.lock", "requirements-traces.lock", "requirements-backbones.lock")
NPM_LOCK = "web/package-lock.json"
TAKEN = {
    *("0BSD", "AFL-2.1", "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC"),
    *("MIT", "MIT-0", "MIT-CMU", "MPL-2.0", "PSF-2.0", "Unlicense", "Zlib"),
}
"""By SPDX. MPL-2.0 alone asks more than to be named: that changes of its own files stay under it."""
WORDS = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
"""What older packages say. Two licences are called BSD."""
IN_FILES = {"namex": "Apache-2.0"}
"""What says so in the file of its licence alone."""
UNKNOWN = "unknown"


class Part(NamedTuple):
    """Something that we build on."""

    name: str
    version: str
    licence: str

    @property
    def is_taken(self) -> bool:
        """Whether every licence that is named is one that we take, also where there is a choice."""
        named = set(re.findall(r"[\w.+-]+", self.licence)) - {"AND", "OR"}
        return bool(named) and named <= TAKEN


def of_python(lock: Path) -> Iterator[Part]:
    """The packages of a lock that are installed here; those of other systems are not."""
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", lock.read_text(encoding="utf-8"), re.M):
        try:
            yield Part(name, version, IN_FILES.get(name) or licence_of(metadata(name)))
        except PackageNotFoundError:
            continue


def of_npm(lock: Path) -> Iterator[Part]:
    """The packages of a lock that reach browsers."""
    for path, package in json.loads(lock.read_text(encoding="utf-8"))["packages"].items():
        if path and not package.get("dev"):
            name = path.rpartition("node_modules/")[2]
            yield Part(name, package["version"], package.get("license", UNKNOWN))


def licence_of(told: Message) -> str:
    """What a package's metadata says: by its newest field, else in few words, else by its classifiers."""
    classified = [one.rpartition(" :: ")[2] for one in told.get_all("Classifier", []) if "License ::" in one]
    said = [told.get("License-Expression", ""), told.get("License", ""), *classified]
    known = (WORDS.get(words, words) for words in said)
    return next((words for words in known if words and Part("", "", words).is_taken), _first_of(said))


def _first_of(said: list[str]) -> str:
    return next((words.splitlines()[0] for words in said if words.strip()), UNKNOWN)


def all_parts() -> list[Part]:
    """All that is locked for people who run the platform."""
    python = {part for lock in PYTHON_LOCKS for part in of_python(ROOT / lock)}
    return sorted({*python, *of_npm(ROOT / NPM_LOCK)})


def main(arguments: list[str]) -> int:
    """Print the list; 1 where there is a licence that we do not take."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quiet", action="store_true", help="print what is not taken alone")
    is_quiet: bool = parser.parse_args(arguments).quiet
    parts = all_parts()
    refused = [part for part in parts if not part.is_taken]
    for part in [] if is_quiet else parts:
        print(f"{part.name} {part.version}: {part.licence}")
    for part in refused:
        print(f"{part.name} {part.version} is under {part.licence!r}, which we do not take", file=sys.stderr)
    return bool(refused)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
