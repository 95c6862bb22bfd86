"""The compose file, as Compose's own client resolves it with secrets that an operator would make."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.live import ROOT

COMPOSE = Path(sys.executable).with_name("docker-compose")
MAKE_SECRETS = ROOT / "scripts" / "make-secrets.sh"


def secrets_in(folder: Path) -> Path:
    """A file of new secrets."""
    file = folder / ".env"
    subprocess.run([str(MAKE_SECRETS), str(file)], check=True, timeout=30)
    return file


def composed(secrets: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What Docker Compose itself makes of the file, with secrets of a file alone."""
    command = [str(COMPOSE), "--env-file", str(secrets), *arguments]
    environment = {"PATH": os.environ["PATH"], "HOME": str(secrets.parent)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)


def project_of(secrets: Path) -> dict[str, Any]:
    """The whole of it, every profile included."""
    done = composed(secrets, "--profile", "gpu", "config", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    made: dict[str, Any] = json.loads(done.stdout)
    return made
