"""What must hold before the platform starts, on real folders, databases and stores."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from api import preparation
from api.preparation import CannotStart, held, make_data_folder, prepare_database, try_blobs
from api.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of the environment in which the tests happen to run."""
    for name in [name for name in os.environ if name.upper().startswith(("COVIDXR_", "AWS_"))]:
        monkeypatch.delenv(name)


def in_a_line(refused: pytest.ExceptionInfo[CannotStart], *words: str) -> None:
    """The message is one line and holds these words."""
    message = str(refused.value)
    assert "\n" not in message
    for word in words:
        assert word in message


# ------------------------------------------------------------------ the data folder


def test_makes_the_folder_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    make_data_folder(folder)
    make_data_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("place", ["file", "file/data", "/proc/x", "/dev/null"])
def test_a_folder_that_cannot_be_is_told_with_the_remedy(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotStart) as refused:
        make_data_folder(tmp_path / place)
    in_a_line(refused, str(tmp_path / place), "set COVIDXR_DATA_DIR to another")


def test_a_folder_is_held_once(tmp_path: Path) -> None:
    with held(tmp_path):
        for _ in range(2):
            with pytest.raises(CannotStart) as refused, held(tmp_path):
                pass
            in_a_line(refused, str(tmp_path), f"process {os.getpid()})", "set COVIDXR_DATA_DIR to another")
        (tmp_path / "other").mkdir()
        with held(tmp_path / "other"):
            pass
    with held(tmp_path):
        pass


HOLDER = """
import subprocess, sys
from pathlib import Path
from api.preparation import held
with held(Path(sys.argv[1])):
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=0)
    print(child.pid, flush=True)
    child.wait()
"""


def test_a_crash_lets_go_of_the_folder_even_while_a_child_lives(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        child = int(holder.stdout.readline())
        with pytest.raises(CannotStart, match=f"process {holder.pid}"), held(tmp_path):
            pass
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        os.kill(child, 0)
        with held(tmp_path):
            pass


# ------------------------------------------------------------------ the database and the blobs


def test_brings_the_tables_up_to_date(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    prepare_database(settings)
    prepare_database(settings)
    assert (tmp_path / "covid-xr.sqlite").stat().st_size > 0


@pytest.mark.parametrize("is_named", [False, True])
def test_a_database_that_cannot_be_used_is_told_with_its_setting(tmp_path: Path, is_named: bool) -> None:
    file = tmp_path / "covid-xr.sqlite"
    file.write_text("no database" * 1000)
    url = f"sqlite://{file}" if is_named else ""
    with pytest.raises(CannotStart) as refused:
        prepare_database(Settings(data_dir=tmp_path, database_url=url))
    setting = "COVIDXR_DATABASE_URL" if is_named else "COVIDXR_DATA_DIR"
    in_a_line(refused, str(file), "restore it from a backup", f"({setting} says where it is)")


def test_blobs_that_can_be_kept_leave_nothing(tmp_path: Path) -> None:
    try_blobs(Settings(data_dir=tmp_path))
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_processes_that_start_at_once_do_not_take_each_others_trial_away(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with ThreadPoolExecutor(8) as processes:
        for _ in processes.map(lambda _: try_blobs(settings), range(64)):
            pass
    assert not list((tmp_path / "blobs").iterdir())


def test_blobs_that_cannot_be_kept_are_told_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "blobs").touch()
    with pytest.raises(CannotStart) as refused:
        try_blobs(Settings(data_dir=tmp_path))
    in_a_line(refused, f"file://{tmp_path}/blobs", "File exists", "COVIDXR_BLOBS_URL")


class Refusing(BaseHTTPRequestHandler):
    """A store that lets nobody write."""

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_error(403)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def refusing_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "b",
            "AWS_ALLOW_HTTP": "true",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        }.items():
            monkeypatch.setenv(name, value)
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("refusing_store")
def test_a_store_that_refuses_is_told_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(CannotStart) as refused:
        try_blobs(Settings(data_dir=tmp_path, blobs_url="s3://bucket"))
    in_a_line(refused, "s3://bucket", "403", "AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL", "COVIDXR_BLOBS_URL")


def test_a_store_that_is_away_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_tcp_port: int
) -> None:
    monkeypatch.setattr(preparation, "BLOBS_SECONDS", 0.1)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_tcp_port}")
    with pytest.raises(CannotStart) as refused:
        try_blobs(Settings(data_dir=tmp_path, blobs_url="s3://bucket"))
    in_a_line(refused, "no answer within 0.1 s", "AWS_ENDPOINT_URL")
