"""The Dockerfile, and hadolint's opinion of it and of others."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.live import ROOT

HADOLINT = Path(sys.executable).with_name("hadolint")
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def linted(dockerfile: str) -> str:
    """What hadolint finds, a line each."""
    command = [str(HADOLINT), "--no-color", "-"]
    return subprocess.run(command, input=dockerfile, capture_output=True, text=True, timeout=60).stdout


def without_version(dockerfile: str) -> list[str]:
    """The images that stages begin with and that name no version."""
    stages = set(re.findall(r" AS (\w+)$", dockerfile, re.M))
    named = re.findall(r"^FROM (\S+)", dockerfile, re.M)
    return [name for name in named if name not in stages and not has_version(name)]


def has_version(image: str) -> bool:
    """Whether its tag is of numbers: two at least, or one and a suffix (3.13, v2.4.1, 22-bookworm)."""
    return re.search(r":v?\d+(\.\d|-)", image) is not None
