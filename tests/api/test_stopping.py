"""Processes that are told to end before they have begun, since their broker is away."""

import subprocess
from pathlib import Path

import pytest

from tests.fleet import shared
from tests.live import COVIDXR, ROOT, free_port, prepared


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_whatever_waits_for_its_broker_ends_when_it_is_told_to(
    command: str, tmp_path: Path, own_database: str
) -> None:
    nobody = f"nats://127.0.0.1:{free_port()}"
    settings = shared(own_database, f"file://{tmp_path / 'blobs'}", nobody)
    live = prepared(tmp_path / "data", **settings)
    with subprocess.Popen(
        [*COVIDXR, command], cwd=ROOT, env=live.environment, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert any("the broker is away" in line for line in iter(process.stderr.readline, ""))
        process.terminate()
        try:
            assert process.wait(30) == 0
        finally:
            process.kill()
