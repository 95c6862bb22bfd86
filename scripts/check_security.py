"""Asks whether there are advisories about what is locked: by pip-audit for Python, by npm for the rest.

Ends with 1 where there are some, with 3 where there are none and somebody could not be asked, else with 0.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
# The development lock holds the runtime's, and so do those of the extras.
PYTHON_LOCKS = (
    "requirements-dev.lock",
    "requirements-cuda.lock",
    "requirements-traces.lock",
    "requirements-backbones.lock",
    "requirements-build.lock",
    "requirements-s3.lock",
    "requirements-audit.lock",
)
NPM_FOLDERS = ("web", "tests/conformance", "benchmarks/graphql_peers/peers")
FOUND, NOT_ASKED = 1, 3
SECONDS = 300


class NotAsked(Exception):
    """Whoever knows of advisories gave no answer."""


def of_python(lock: str, tools: Path) -> list[str]:
    """Advisories about a lock's packages, a line each.

    Raises:
        NotAsked: PyPI's service cannot be reached, or knows nothing of some packages and of no advisory.
    """
    options = ("--require-hashes", "--disable-pip", "--progress-spinner", "off", "--format", "json")
    told = _answer([str(tools / "pip-audit"), "--requirement", lock, *options], ROOT)
    found = [
        f"{package['name']} {package['version']}: {one['id']}, mended in {_versions(one['fix_versions'])}"
        for package in told["dependencies"]
        for one in package.get("vulns", [])
    ]
    # pip-audit takes an index without advisories for one that knows of none, and ends with 0.
    passed_over = [package["skip_reason"] for package in told["dependencies"] if "skip_reason" in package]
    if passed_over and not found:
        raise NotAsked(f"{len(passed_over)} packages: {passed_over[0]}")
    return found


def of_npm(folder: str) -> list[str]:
    """Advisories about the packages of a folder's lock, a line each.

    Raises:
        NotAsked: npm is not there, or its registry's service cannot be reached.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise NotAsked("npm is not there")
    told = _answer([npm, "audit", "--package-lock-only", "--json"], ROOT / folder)
    if "vulnerabilities" not in told:
        raise NotAsked(told.get("message") or told.get("error", {}).get("summary") or "npm gave no answer")
    return [f"{name} {one['range']}: {one['severity']}" for name, one in told["vulnerabilities"].items()]


def _versions(mended: list[str]) -> str:
    return ", ".join(mended) or "no version yet"


def _answer(command: list[str], folder: Path) -> dict[str, Any]:
    """What a program prints as JSON; its status says nothing, since advisories are a failure too."""
    try:
        done = subprocess.run(  # noqa: S603 - commands of ours
            command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotAsked(str(error)) from error
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        raise NotAsked((done.stderr.strip().splitlines() or ["no answer"])[-1]) from error
    return answer


def main(tools: Path) -> int:
    """Say what was found of each lock."""
    asked = {lock: partial(of_python, lock, tools) for lock in PYTHON_LOCKS}
    asked |= {f"{folder}/package-lock.json": partial(of_npm, folder) for folder in NPM_FOLDERS}
    found = missing = 0
    for lock, ask in asked.items():
        try:
            lines = ask()
        except NotAsked as error:
            missing += 1
            print(f"{lock}: NOT ASKED: {error}")
            continue
        found += len(lines)
        print("\n  ".join([f"{lock}: {len(lines) or 'no'} advisories", *lines]))
    print(f"{found} advisories; {missing} of {len(asked)} locks could not be asked about")
    return FOUND if found else NOT_ASKED if missing else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
