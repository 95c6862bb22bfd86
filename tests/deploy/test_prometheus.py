"""Alert rules and the dashboard: as Prometheus's own tool wants them, and of what `/metrics` really has."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import parser

from api.metrics import Metrics
from services.platform import Platform
from tests.live import ROOT
from tests.missing import missing

FOLDER = ROOT / "deploy" / "prometheus"
SUFFIXES = ("_bucket", "_sum", "_count", "_total")
OF_DRIFT = {"covidxr_drift_differs"}
"""Which there are none of before the first look."""


def promtool(*command: str) -> str:
    """What Prometheus's tool says; skips by name, or fails under CI, where it is not installed."""
    tool = shutil.which("promtool")
    if tool is None:
        missing("no promtool: install Debian's package prometheus")
    done = subprocess.run([str(tool), *command], cwd=FOLDER, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text())
    return found


def expressions() -> Iterator[tuple[str, str]]:
    """Of every alert and every panel, with their names."""
    for group in yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


def test_prometheus_takes_rules_and_configuration() -> None:
    assert "SUCCESS" in promtool("check", "rules", "alerts.yml")
    promtool("check", "config", "--syntax-only", "prometheus.yml")


def test_alerts_are_raised_when_they_should_be() -> None:
    promtool("test", "rules", "alerts_test.yml")


def test_prometheus_can_read_every_expression(tmp_path: Path) -> None:
    rules = [{"record": f"one:{number}", "expr": told} for number, (_, told) in enumerate(expressions())]
    file = tmp_path / "all.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))
    assert f"{len(rules)} rules found" in promtool("check", "rules", str(file))


async def test_every_expression_is_of_something_that_is_measured(platform: Platform) -> None:
    text = (await Metrics(platform).text()).decode()
    known = {family.name for family in parser.text_string_to_metric_families(text)} | OF_DRIFT
    for name, told in expressions():
        for used in re.findall(r"\b(?:covidxr|process)_\w+", told):
            bare = next((used.removesuffix(end) for end in SUFFIXES if used.endswith(end)), used)
            assert used in known or bare in known, f"{name}: {used}"


def test_panels_say_what_they_show_and_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        cells = {
            (place["x"] + across, place["y"] + down)
            for across in range(place["w"])
            for down in range(place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
        assert panel["type"] == "row" or panel["description"].endswith(".")


@pytest.mark.parametrize("word", ["summary", "description"])
def test_every_alert_says_what_to_do(word: str) -> None:
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    for rule in (rule for group in groups for rule in group["rules"]):
        assert rule["annotations"][word], rule["alert"]
        assert rule["labels"]["severity"] in ("warning", "critical")
