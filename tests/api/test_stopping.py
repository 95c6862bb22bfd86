"""Processes that are told to end before they have begun, since their broker is away."""

import json
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
    live = prepared(tmp_path / "data", log_format="json", **settings)
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen([*COVIDXR, command], cwd=ROOT, env=live.environment, text=True, **both) as process:
        assert process.stdout is not None
        told = (json.loads(line)["message"] for line in process.stdout)  # nothing else is said on either
        assert any("the broker is away" in message for message in told)
        process.terminate()
        try:
            assert process.wait(30) == 0
        finally:
            process.kill()
