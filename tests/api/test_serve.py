"""Serving, as the one who starts it sees it: a second server beside it, other commands, and Ctrl+C."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.serve import _what_takes_time
from tests.live import COVIDXR, ROOT, Live, serving

READY = "Press Ctrl+C to stop."


def test_compilation_is_announced_only_where_nothing_is_compiled_yet(tmp_path: Path) -> None:
    assert "compiles" in _what_takes_time(tmp_path / "gone")
    assert "compiles" in _what_takes_time(tmp_path)
    (tmp_path / "jit_features-0a1b-cache").touch()
    assert "compiles" not in _what_takes_time(tmp_path)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with serving(tmp_path_factory.mktemp("live") / "data") as server:
        yield server


def serve(live: Live, **settings: str) -> "subprocess.Popen[str]":
    """Another server on the same data folder and another port."""
    environment = {**live.environment, "COVIDXR_PORT": "0", **settings}
    return subprocess.Popen(
        [*COVIDXR, "serve"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_a_second_server_on_the_same_folder_is_refused(live: Live) -> None:
    with serve(live) as second:
        _, complaint = second.communicate(timeout=60)
    assert second.returncode == 1
    assert complaint.count("\n") == 1
    assert f"works on the data folder {live.data_dir}." in complaint
    assert "set COVIDXR_DATA_DIR to another folder" in complaint


@pytest.mark.slow
def test_other_commands_work_beside_a_server(live: Live) -> None:
    assert "are up to date" in live.run("migrate")
    assert "is an administrator" in live.run(
        "create-admin", "a@h.example", COVIDXR_ADMIN_PASSWORD="correct horse battery"
    )


@pytest.mark.slow
def test_stopped_at_the_keyboard_it_ends_without_complaint(live: Live, tmp_path: Path) -> None:
    """Else make, which started it, would call it an error."""
    with serve(live, COVIDXR_DATA_DIR=str(tmp_path)) as server:
        assert server.stdout is not None
        lines = iter(server.stdout.readline, "")
        assert any(READY in line for line in lines)
        os.kill(server.pid, signal.SIGINT)
        rest, complaint = server.communicate(timeout=60)
    assert (server.returncode, complaint) == (0, "")
    assert rest.endswith("Stopped.\n")
