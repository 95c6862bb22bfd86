"""What we build on: its licences, whether anybody warns of it, and the list of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts import check_security, licences
from tests.live import ROOT
from tests.missing import missing

AUDIT = ROOT / ".venv-audit" / "bin"
GOOD, BAD = (
    {"dependencies": []},
    {
        "dependencies": [
            {
                "name": "left",
                "version": "1",
                "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"], "aliases": []}],
            },
            {"name": "right", "version": "1", "vulns": []},
            {"name": "elsewhere", "skip_reason": "not found"},
        ]
    },
)
"""What pip-audit prints."""


def pins(lock: str) -> list[Requirement]:
    """Those that this system installs."""
    lines = re.findall(r"^(\S+==[^\\\n]+)", (ROOT / lock).read_text(), re.M)
    found = [Requirement(line) for line in lines]
    return [pin for pin in found if pin.marker is None or pin.marker.evaluate()]


def test_every_licence_is_known_and_taken() -> None:
    assert [part for part in licences.all_parts() if not part.is_taken] == []


def test_no_part_is_passed_over() -> None:
    listed = {canonicalize_name(part.name) for part in licences.all_parts()}
    for lock in ("requirements.lock", "requirements-traces.lock", "requirements-backbones.lock"):
        assert {canonicalize_name(pin.name) for pin in pins(lock)} <= listed
    assert {"react", "graphiql"} <= listed


def test_cuda_brings_nothing_but_nvidia_s_libraries_and_jax_s_plug_ins_for_them() -> None:
    """Whose licences are NVIDIA's and jax's own, and are looked at by nobody here."""
    added = pinned("requirements-cuda.lock") - pinned("requirements.lock")
    assert {name for name in added if not name.startswith(("nvidia-", "jax-cuda"))} == set()


@pytest.mark.parametrize(
    ("told", "licence", "is_taken"),
    [
        ({"License-Expression": "MPL-2.0 AND (Apache-2.0 OR MIT)"}, "MPL-2.0 AND (Apache-2.0 OR MIT)", True),
        (
            {"License": "A long text\nof a licence", "Classifier": "License :: OSI Approved :: BSD License"},
            "BSD",
            True,
        ),
        ({"License-Expression": "MIT AND GPL-3.0-only"}, "MIT AND GPL-3.0-only", False),
        ({"License": "GPL-3.0"}, "GPL-3.0", False),
        ({"License": "", "Classifier": "Typing :: Typed"}, "unknown", False),
        ({}, "unknown", False),
    ],
)
def test_what_a_package_says_is_understood(told: dict[str, str], licence: str, is_taken: bool) -> None:
    message = Message()
    for name, value in told.items():
        message[name] = value
    assert licences.licence_of(message) == licence
    assert licences.Part("any", "1", licence).is_taken is is_taken


def test_every_lock_is_asked_about() -> None:
    runtime = {"requirements.lock"}  # which the development lock holds
    assert {*check_security.PYTHON_LOCKS} | runtime == {file.name for file in ROOT.glob("requirements*.lock")}
    tracked = subprocess.run(
        ["git", "ls-files", "*package-lock.json"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert {f"{folder}/package-lock.json" for folder in check_security.NPM_FOLDERS} == {*tracked.split()}


def ask(tools: Path, path: str = "") -> tuple[int, str]:
    """Run the check with the pip-audit of a folder, and npm only where the path has it."""
    command = [sys.executable, "-m", "scripts.check_security", str(tools)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


def pip_audit_that_says(folder: Path, told: object) -> Path:
    program = folder / "pip-audit"
    program.write_text(f"#!{sys.executable}\nprint({json.dumps(told)!r})\n")
    program.chmod(0o755)
    return folder


def test_who_cannot_be_asked_is_told_from_who_knows_of_nothing(tmp_path: Path) -> None:
    status, said = ask(tmp_path)
    assert status == 3
    assert said.count("NOT ASKED") == len(check_security.PYTHON_LOCKS) + len(check_security.NPM_FOLDERS)
    status, said = ask(pip_audit_that_says(tmp_path, GOOD))
    assert status == 3
    assert "requirements-dev.lock: no advisories" in said
    assert "web/package-lock.json: NOT ASKED: npm is not there" in said


def test_an_index_that_has_no_advisories_is_not_taken_for_one_that_knows_of_none(tmp_path: Path) -> None:
    nothing = {"dependencies": [{"name": "right", "skip_reason": "right is not found on PyPI"}]}
    status, said = ask(pip_audit_that_says(tmp_path, nothing))
    assert status == 3
    assert "requirements-dev.lock: NOT ASKED: 1 packages: right is not found on PyPI" in said


def test_an_advisory_counts_more_than_who_cannot_be_asked(tmp_path: Path) -> None:
    status, said = ask(pip_audit_that_says(tmp_path, BAD))
    assert status == 1
    assert "requirements-dev.lock: 1 advisories\n  left 1: PYSEC-1, mended in 2\n" in said


def test_the_bill_of_materials_names_all_that_is_locked(tmp_path: Path) -> None:
    if not (AUDIT / "pip-audit").exists():
        missing("no .venv-audit: make test makes it")
    done = subprocess.run(
        ["make", "--no-print-directory", "sbom", f"SBOM={tmp_path}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for extra in ("", "-traces", "-backbones", "-cuda"):
        bill = json.loads((tmp_path / f"covid-xr{extra}.cdx.json").read_text())
        assert (bill["bomFormat"], bill["metadata"]["component"]["name"]) == ("CycloneDX", "covid-xr")
        assert names_of(bill) == pinned(f"requirements{extra}.lock")
        assert all(part["externalReferences"][0]["hashes"] for part in bill["components"])
    if not shutil.which("npm"):
        missing("no npm on this machine")
    assert {"react", "graphiql"} <= names_of(json.loads((tmp_path / "web.cdx.json").read_text()))


def names_of(bill: dict[str, Any]) -> set[str]:
    return {canonicalize_name(part["name"]) for part in bill["components"]}


def pinned(lock: str) -> set[str]:
    return {canonicalize_name(name) for name in re.findall(r"^([\w.-]+)==", (ROOT / lock).read_text(), re.M)}
