"""Kubernetes' manifests, as Kustomize makes them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.live import ROOT
from tests.missing import missing

FOLDER = ROOT / "deploy" / "kubernetes"
Manifest = dict[str, Any]


def built(folder: Path) -> list[Manifest]:
    """What Kustomize makes of a folder; skips by name, or fails under CI, where kubectl is not there."""
    kubectl = shutil.which("kubectl") or missing("no kubectl")
    done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return list(yaml.safe_load_all(done.stdout))


def of_kind(manifests: list[Manifest], kind: str) -> dict[str, Manifest]:
    return {one["metadata"]["name"]: one for one in manifests if one["kind"] == kind}
