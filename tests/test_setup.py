"""The set-up of a machine: which Python is taken, what happens without npm, and what the lock files hold."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tortoise.config import AppConfig, TortoiseConfig

from scripts.check_migrations import missing_operations
from store.database import configuration

ROOT = Path(__file__).parents[1]


# ------------------------------------------------------------------ which Python


class Machine:
    """A machine that has the Pythons that a test puts there, and the tools that the scripts use."""

    def __init__(self, root: Path) -> None:
        self.home = root / "home"
        self.bin = root / "my bin"
        self.tools = root / "tools"
        for folder in (self.home, self.bin, self.tools):
            folder.mkdir()
        for tool in ("sh", "sort", "head", "cut", "dirname", "mkdir", "touch"):
            (self.tools / tool).symlink_to(shutil.which(tool) or tool)

    def script(self, file: Path, body: str) -> Path:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/bin/sh\n{body}\n")
        file.chmod(0o755)
        return file

    def python(self, name: str, answer: str) -> Path:
        """An interpreter that gives ``answer`` when it is asked what it is."""
        return self.script(self.bin / name, f"echo '{answer}'")

    def run(self, script: Path, **env: str) -> subprocess.CompletedProcess[str]:
        path = f"{self.bin}{os.pathsep}{self.tools}"
        return subprocess.run(
            ["sh", str(script)],
            env={"PATH": path, "HOME": str(self.home)} | env,
            capture_output=True,
            text=True,
            check=False,
        )

    def find_python(self, **env: str) -> subprocess.CompletedProcess[str]:
        return self.run(ROOT / "scripts" / "find-python.sh", **env)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_newest_python_is_taken(machine: Machine) -> None:
    machine.python("python3", "11 9")
    newest = machine.python("python3.13", "13 0")
    machine.python("python3.12", "12 7")
    assert machine.find_python().stdout.strip() == str(newest)


def test_shim_that_does_not_run_is_passed_over(machine: Machine) -> None:
    machine.script(machine.bin / "python3.14", "echo 'pyenv: python3.14: command not found' >&2; exit 127")
    runs = machine.python("python3.12", "12 7")
    assert machine.find_python().stdout.strip() == str(runs)


def test_versions_of_pyenv_are_found(machine: Machine) -> None:
    machine.python("python3", "11 9")
    machine.script(machine.home / ".pyenv/versions/3.12.7/bin/python3", "echo 12 7")
    newest = machine.script(machine.home / ".pyenv/versions/3.12.10/bin/python3", "echo 12 10")
    assert machine.find_python().stdout.strip() == str(newest)


def test_python_that_cannot_make_environments_is_passed_over(machine: Machine) -> None:
    machine.python("python3.13", "no-ensurepip 13")
    complete = machine.python("python3.11", "11 2")
    assert machine.find_python().stdout.strip() == str(complete)


def test_remedy_for_missing_ensurepip(machine: Machine) -> None:
    machine.python("python3", "no-ensurepip 11")
    found = machine.find_python()
    assert found.returncode == 1
    assert "apt-get install python3.11-venv" in found.stderr


def test_remedy_for_no_python(machine: Machine) -> None:
    machine.script(machine.bin / "python3", "exit 0")  # what a Python of another version answers
    found = machine.find_python()
    assert found.returncode == 1
    assert "needs Python 3.11 to 3.14" in found.stderr
    assert "PYTHON=" in found.stderr


def test_python_by_name(machine: Machine) -> None:
    machine.python("python3.13", "13 0")
    named = machine.python("python3.11", "11 9")
    assert machine.find_python(PYTHON="python3.11").stdout.strip() == str(named)
    assert machine.find_python(PYTHON=str(named)).stdout.strip() == str(named)
    refused = machine.find_python(PYTHON="/nowhere/python3")
    assert refused.returncode == 1
    assert "/nowhere/python3" in refused.stderr


def test_this_python_would_do(machine: Machine) -> None:
    assert machine.find_python(PYTHON=sys.executable).stdout.strip() == sys.executable


# ------------------------------------------------------------------ without npm


@pytest.fixture
def build_web(tmp_path: Path) -> Path:
    """The script that builds the pages, beside a ``web`` of its own."""
    checkout = tmp_path / "checkout"
    for folder in ("scripts", "web"):
        (checkout / folder).mkdir(parents=True)
    (checkout / "web" / "package-lock.json").touch()
    return Path(shutil.copy(ROOT / "scripts" / "build-web.sh", checkout / "scripts"))


def test_without_npm_the_start_goes_on(machine: Machine, build_web: Path) -> None:
    built = machine.run(build_web)
    assert built.returncode == 0
    assert built.stderr.count("\n") == 1
    assert "install Node.js" in built.stderr


@pytest.mark.parametrize("variable", ["CI", "STRICT"])
def test_without_npm_a_strict_build_fails(machine: Machine, build_web: Path, variable: str) -> None:
    assert machine.run(build_web, **{variable: "true"}).returncode == 1


def test_failing_npm_is_tried_once(machine: Machine, build_web: Path) -> None:
    machine.script(machine.bin / "npm", "exit 1")
    built = machine.run(build_web)
    assert built.returncode == 0
    assert "'make web' tries again" in built.stderr
    assert (build_web.parents[1] / "web/dist/.tried").exists()


def test_npm_installs_and_builds(machine: Machine, build_web: Path) -> None:
    log = build_web.parent / "log"
    machine.script(machine.bin / "npm", f'echo "$1 $2 $3" >>"{log}"')
    assert machine.run(build_web).returncode == 0
    assert [line.split()[0] for line in log.read_text().splitlines()] == ["ci", "run"]


@pytest.mark.parametrize("failing", ["ci", "run", "none"])
def test_what_npm_says_is_shown_where_it_fails(machine: Machine, build_web: Path, failing: str) -> None:
    chatter = 'echo "out of $1"; echo "warning of $1" >&2'
    machine.script(machine.bin / "npm", f'{chatter}; [ "$1" != {failing} ]')
    built = machine.run(build_web)
    assert built.returncode == 0
    assert ("of ci" in built.stdout + built.stderr) == (failing == "ci")
    assert [word in built.stderr for word in ("out of run", "warning of run")] == [failing == "run"] * 2
    assert ("npm failed" in built.stderr) == (failing != "none")


# ------------------------------------------------------------------ the lock files

PIN = re.compile(
    r"^([a-z0-9-]+)==(\S+?)(?: ; (.+?))? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.M
)


def pins(lock: str) -> list[Requirement]:
    """The requirements of a lock file that this Python would install."""
    text = (ROOT / lock).read_text()
    found = [
        Requirement(f"{name}=={version} ; {marker}" if marker else f"{name}=={version}")
        for name, version, marker, _ in PIN.findall(text)
    ]
    return [pin for pin in found if pin.marker is None or pin.marker.evaluate()]


def wanted(*extras: str) -> list[Requirement]:
    """What pyproject.toml asks of this Python."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = project["dependencies"] + [
        line for extra in extras for line in project["optional-dependencies"][extra]
    ]
    requirements = map(Requirement, lines)
    return [one for one in requirements if one.marker is None or one.marker.evaluate()]


EXTRAS = ("cuda", "traces", "backbones")
BESIDE = {f"requirements-{extra}.lock": (extra,) for extra in ("dev", *EXTRAS)}
LOCKS: dict[str, tuple[str, ...]] = {"requirements.lock": (), **BESIDE}


@pytest.mark.parametrize(("lock", "extras"), LOCKS.items())
def test_lock_answers_to_pyproject(lock: str, extras: tuple[str, ...]) -> None:
    locked = {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pins(lock)}
    for requirement in wanted(*extras):
        version = locked.get(canonicalize_name(requirement.name))
        assert version is not None, f"{lock} lacks {requirement}: run make lock"
        assert requirement.specifier.contains(version), (
            f"{lock} has {version} for {requirement}: run make lock"
        )


@pytest.mark.parametrize("lock", [*LOCKS, "requirements-build.lock"])
def test_lock_is_hashed_throughout_and_names_no_place(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert len(PIN.findall(text)) == len(re.findall(r"^[^#\s]", text, re.M)) > 0
    assert "://" not in text
    assert "index-url" not in text


@pytest.mark.parametrize("lock", BESIDE)
def test_what_else_is_locked_comes_beside_the_same_runtime(lock: str) -> None:
    runtime = {str(pin) for pin in pins("requirements.lock")}
    assert runtime <= {str(pin) for pin in pins(lock)}


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_is_added_from_its_lock(extra: str) -> None:
    lock = f"requirements-{extra}.lock"
    fresh = ["--old-file=.venv/.runtime", f"--what-if={lock}"]
    done = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", *fresh, f"extra-{extra}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    (install,) = [line for line in done.stdout.splitlines() if "pip" in line]
    assert "--require-hashes" in install
    assert install.endswith(f"--requirement {lock}")


def test_nobody_is_told_to_add_one_without_hashes() -> None:
    told = [ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("api/*.py"), *ROOT.glob("ml/*.py")]
    assert [file for file in told if "pip install -e" in file.read_text(encoding="utf-8")] == []


NPM_LOCKS = ["web/package-lock.json", "tests/conformance/package-lock.json"]


@pytest.mark.parametrize("lock", NPM_LOCKS)
def test_npm_lock_names_no_registry(lock: str) -> None:
    packages = json.loads((ROOT / lock).read_text())["packages"]
    fetched = {name: package for name, package in packages.items() if name}
    assert fetched
    assert all("integrity" in package and "resolved" not in package for package in fetched.values())


@pytest.mark.parametrize("lock", NPM_LOCKS)
def test_npm_lock_knows_every_platform(lock: str) -> None:
    """npm installs from a lock that lacks a platform's part, and then ``npm ci`` refuses it everywhere."""
    packages = json.loads((ROOT / lock).read_text())["packages"]
    for name, package in packages.items():
        for part in package.get("optionalDependencies", {}):
            assert f"node_modules/{part}" in packages or f"{name}/node_modules/{part}" in packages


# ------------------------------------------------------------------ migrations, and the commands


async def test_migrations_are_up_to_date() -> None:
    assert await missing_operations(configuration("sqlite://:memory:")) == []


async def test_missing_migration_is_told_and_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "no_migrations_yet"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    config = configuration("sqlite://:memory:")
    bare = TortoiseConfig(
        connections=config.connections,
        apps={
            "store": AppConfig(
                models=["store.tables"], default_connection="sqlite", migrations="no_migrations_yet"
            )
        },
    )
    missing = await missing_operations(bare)
    assert any("User" in operation for operation in missing)
    assert [file.name for file in package.iterdir() if file.name != "__pycache__"] == ["__init__.py"]


def test_make_lists_the_commands() -> None:
    # Beneath another make, as in `make test`, it would name its folder too.
    command = ["make", "--no-print-directory", "help"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    explained = re.findall(r"^([^\s:]+):.* ## ", (ROOT / "Makefile").read_text(), re.M)
    assert [line.split()[0] for line in listed.splitlines()] == explained
    assert {"run", "test", "check"} < set(explained)
