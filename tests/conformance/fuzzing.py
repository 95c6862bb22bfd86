"""schemathesis against a server, as anybody, as a member and as an administrator.

python -m tests.conformance.fuzzing [--seconds 300] starts a server of its own for that.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.people import People, furnish, people_of
from tests.live import ROOT, serving

CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
SCHEMA = ROOT / "schema.graphql"


@dataclass(frozen=True)
class Fuzzing:
    """What came of it: whether no fault was found, what was answered how often, and the report."""

    is_clean: bool
    outcomes: Mapping[str, int]
    report: str

    def __str__(self) -> str:
        if not self.is_clean:
            return self.report
        kinds = ", ".join(f"{code} {count}" for code, count in self.outcomes.items())
        return f"no fault in {sum(self.outcomes.values())} answers ({kinds})"


def fuzz(url: str, token: str | None, seconds: int, folder: Path) -> Fuzzing:
    """Everything that the schema offers, asked with the session of ``token`` for so long."""
    outcomes = folder / "outcomes.json"
    outcomes.unlink(missing_ok=True)
    command = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        "--config-file",
        str(CONFIGURATION),
        "run",
        str(SCHEMA),
    ]
    command += ["--url", url, "--max-time", str(seconds), "--phases", "fuzzing", "--no-color"]
    command += ["--checks", "no_fault_of_the_server", "--continue-on-failure", "--warnings", "off"]
    command += ["--generation-database", "none"]
    command += ["--exclude-name", "Mutation.signOut"]  # it would end the session that all else is asked in
    if token:
        command += ["--header", f"Authorization: Bearer {token}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "FUZZ_OUTCOMES": str(outcomes)}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=seconds + 120,
        check=False,
    )
    counts = json.loads(outcomes.read_text(encoding="utf-8")) if outcomes.exists() else {}
    return Fuzzing(done.returncode == 0, counts, done.stdout + done.stderr)


def fuzz_everybody(people: People, seconds: int, folder: Path) -> dict[str, Fuzzing]:
    """The same for each in turn, the administrator last, who can change most."""
    return {
        name: fuzz(who.url, who.token, seconds // 3, folder)
        for name, who in (("anybody", people.anybody), ("member", people.member), ("admin", people.admin))
    }


def main() -> int:
    """The exit status: 1 where a fault was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=300)
    seconds: int = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as name, serving(Path(name) / "data", points_per_minute="0") as server:
        people = asyncio.run(people_of(server))
        asyncio.run(furnish(people, Path(name)))
        found = fuzz_everybody(people, seconds, Path(name))
    for who, fuzzing in found.items():
        print(f"{who}: {fuzzing}")
    return 0 if all(fuzzing.is_clean for fuzzing in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
