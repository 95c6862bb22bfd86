"""A server is killed while it trains: the one that is started after it goes on from the run's checkpoint."""

from __future__ import annotations

import asyncio
import csv
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.live import COVIDXR, ROOT, Live, prepared, wait_until_ready
from tests.people import eventually

EPOCHS = 60
EMAIL, PASSWORD = "chief@hospital.example", "a password for a test"
STATUS = "{ trainingRuns(first: 1) { nodes { state epoch losses } } }"
RETRAIN = "mutation { requestRetraining { errors { code message } } }"
SECONDS = 200


@contextmanager
def started(live: Live) -> Iterator[subprocess.Popen[bytes]]:
    """A server, until it is killed."""
    process = subprocess.Popen([*COVIDXR, "serve"], cwd=ROOT, env=live.environment)
    try:
        wait_until_ready(process, live.port)
        yield process
    finally:
        process.kill()
        process.wait()


def films(site: Path) -> dict[str, list[Path]]:
    """Some with COVID and some without."""
    with (site / "manifest.csv").open() as manifest:
        rows = list(csv.DictReader(manifest))
    return {
        "COVID": [site / row["file"] for row in rows if row["label"] == "covid"][:3],
        "NO_COVID": [site / row["file"] for row in rows if row["label"] == "no_finding"][:3],
    }


async def latest(live: Live) -> dict[str, Any]:
    """The run under way or the last one."""
    found: dict[str, Any] = (await live.ask(STATUS))["trainingRuns"]["nodes"][0]
    return found


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_killed_servers_run_goes_on_where_it_was(tmp_path: Path, site_b: Path) -> None:
    live = prepared(tmp_path / "data", retrain_epochs=str(EPOCHS), retrain_threshold="1000")
    checkpoints = tmp_path / "data" / "blobs" / "checkpoints"

    async def is_kept() -> bool:
        return bool(list(checkpoints.rglob("*.safetensors")))

    async def none_is_kept() -> bool:
        return not await is_kept()

    with started(live) as server:
        live.run("create-admin", EMAIL, COVIDXR_ADMIN_PASSWORD=PASSWORD)
        chief = await live.sign_in(EMAIL, PASSWORD)
        for label, files in films(site_b).items():
            sent = await chief.upload(files, "id", label=label, evidence="RT_PCR")
            assert [one["errors"] for one in sent] == [[]] * len(files)
        assert (await chief.ask(RETRAIN))["requestRetraining"]["errors"] == []
        await eventually(is_kept, SECONDS)
        before = await latest(chief)
        server.kill()
    with started(live):
        seen = [await latest(chief)]
        async with asyncio.timeout(SECONDS):
            while seen[-1]["state"] in ("QUEUED", "TRAINING", "EVALUATING"):
                await asyncio.sleep(0.1)
                seen.append(await latest(chief))
        await eventually(none_is_kept)
    assert seen[-1]["state"] in ("PROMOTED", "REJECTED", "AWAITING"), seen[-1]
    taken_up = min(run["epoch"] for run in seen)
    assert taken_up > before["epoch"] / 2, "it was far from its beginning, and never went back there"
    known = min(taken_up, before["epoch"])  # it may have come further before it was killed
    assert seen[-1]["losses"][:known] == before["losses"][:known]
    assert len(seen[-1]["losses"]) == EPOCHS
