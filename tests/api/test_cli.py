"""The command line in a process of its own: what an operator reads, and the exit status."""

import asyncio
import json
import os
import socket
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image

from services.sealing import seal
from store.database import open_database, sqlite_url
from tests.dicom_files import NAME, dicom
from tests.live import COVIDXR, ROOT
from tests.radiographs import radiograph
from tests.stand_ins import picture
from tests.trails import unguarded

Result = subprocess.CompletedProcess[str]
PASSWORD = "correct horse battery"
SERVER_COMMANDS = [["serve"], ["migrate"], ["create-admin", "a@h.example"]]
LOOKING_COMMANDS = [
    ["audit", "verify"],
    ["end-sessions"],
    ["model-card"],
    ["reset-second-factor", "a@h.example"],
]


class Shell:
    """Runs `covidxr` somewhere, with the settings that a test gives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *words: str, **settings: str) -> Result:
        return subprocess.run(
            [*COVIDXR, *words],
            cwd=self.folder,
            env={**self._environment(), "COVIDXR_ADMIN_PASSWORD": PASSWORD, **settings},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    @staticmethod
    def _environment() -> dict[str, str]:
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(("COVIDXR_", "AWS_"))
        }
        return {
            **clean,
            "PYTHONPATH": str(ROOT),
            "JAX_PLATFORMS": "cpu",
        }


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    folder = tmp_path / "somewhere"
    folder.mkdir()
    return Shell(folder)


def complaint(result: Result, status: int = 1) -> str:
    """The only line on standard error."""
    assert result.returncode == status, result.stderr
    assert result.stderr.count("\n") == 1, result.stderr
    assert "Preparing" not in result.stdout  # jax had not been loaded
    return result.stderr


def corrupt_database(folder: Path) -> None:
    folder.mkdir()
    (folder / "covid-xr.sqlite").write_bytes(b"no database" * 1000)


def folder_for_a_database(folder: Path) -> None:
    (folder / "covid-xr.sqlite").mkdir(parents=True)


def file_for_a_folder(folder: Path) -> None:
    folder.touch()


@pytest.mark.parametrize("command", SERVER_COMMANDS, ids=lambda words: words[0])
@pytest.mark.parametrize(
    ("spoil", "remedy"),
    [
        (corrupt_database, "restore it from a backup"),
        (folder_for_a_database, "move the folder away"),
        (file_for_a_folder, "set COVIDXR_DATA_DIR to another"),
    ],
)
def test_what_keeps_the_platform_from_starting_is_one_line(
    shell: Shell, spoil: Callable[[Path], None], remedy: str, command: list[str]
) -> None:
    """Where it once waited for ever, deaf to signals, or printed a stack trace."""
    spoil(shell.folder / "data")
    assert remedy in complaint(shell(*command, COVIDXR_PORT="0"))


@pytest.mark.parametrize("command", SERVER_COMMANDS, ids=lambda words: words[0])
def test_a_wrong_setting_is_one_line(shell: Shell, command: list[str]) -> None:
    line = complaint(shell(*command, COVIDXR_DATABASE_URL="postgres://u:s3cret@h/n"), status=2)
    assert line == "COVIDXR_DATABASE_URL: begins with sqlite:// or mysql://\n"
    assert list(shell.folder.iterdir()) == []


def test_a_file_that_is_not_there_is_one_line_before_anything_is_made(shell: Shell) -> None:
    line = complaint(shell("serve", COVIDXR_TRUSTED_DOCUMENTS="no.json"), status=2)
    assert line.endswith("/no.json cannot be read: No such file or directory\n")
    assert list(shell.folder.iterdir()) == []


def test_a_mistyped_setting_is_told(shell: Shell) -> None:
    result = shell("migrate", COVIDXR_DATA_DRI="elsewhere")
    assert result.returncode == 0
    assert result.stderr == (
        "COVIDXR_DATA_DRI is no setting and is ignored: did you mean COVIDXR_DATA_DIR?\n"
    )


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_port_that_is_taken(shell: Shell, busy_port: int) -> None:
    line = complaint(shell("serve", COVIDXR_PORT=str(busy_port)))
    assert f"127.0.0.1:{busy_port}: Address already in use" in line
    assert "set COVIDXR_PORT to another port" in line


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1", "a..b", "x" * 300])
def test_a_host_that_is_not_this_machine(shell: Shell, host: str) -> None:
    line = complaint(shell("serve", COVIDXR_HOST=host, COVIDXR_PORT="0"))
    assert "Set COVIDXR_HOST to an address of this machine" in line
    assert "COVIDXR_PORT" not in line


def test_what_an_operator_does_is_told(shell: Shell) -> None:
    file = shell.folder / "data" / "covid-xr.sqlite"
    assert shell("migrate").stdout == f"The tables of sqlite://{file} are up to date.\n"
    made = shell("create-admin", "A@h.example").stdout
    assert made == f"a@h.example is an administrator and can sign in.\nDatabase: sqlite://{file}\n"
    said = shell("reset-second-factor", "A@h.example").stdout
    assert said == "a@h.example signs in by the password alone, and has no session any more.\n"
    missed = complaint(shell("reset-second-factor", "b@h.example"))
    assert missed == "there is no account with the address b@h.example\n"
    for whose in ((), ("a@h.example",)):
        ended = shell("end-sessions", *whose).stdout
        assert ended == f"0 sessions have ended.\nDatabase: sqlite://{file}\n"
    assert complaint(shell("end-sessions", "b@h.example")) == missed
    assert list(shell.folder.glob("**/blobs")) == []
    assert [one for one in (shell.folder / "data").rglob("*") if one.stat().st_mode & 0o077] == []


@pytest.mark.parametrize("command", LOOKING_COMMANDS, ids=lambda words: words[0])
def test_whoever_looks_in_a_wrong_place_is_told_and_makes_nothing(shell: Shell, command: list[str]) -> None:
    line = complaint(shell(*command))
    assert line.endswith("Set COVIDXR_DATA_DIR or COVIDXR_DATABASE_URL as the server has them.\n")
    assert list(shell.folder.iterdir()) == []
    (shell.folder / "data").mkdir()
    (shell.folder / "data" / "covid-xr.sqlite").touch()
    assert "are not those of this version" in complaint(shell(*command))


def test_model_card_says_that_there_is_none_yet(shell: Shell) -> None:
    shell("migrate")
    assert complaint(shell("model-card")).startswith("no model is in service yet")
    assert complaint(shell("model-card", "7")).strip() == "there is no model 7"


def test_the_trail_is_checked(shell: Shell) -> None:
    """No server runs that would seal what is noted."""
    file = shell.folder / "data" / "covid-xr.sqlite"
    shell("create-admin", "a@h.example")
    said = shell("audit", "verify").stdout
    assert said.startswith("Whole: 0 entries. To be sealed: 1 more. Database: sqlite://")
    asyncio.run(seal_in(file))
    said = shell("audit", "verify").stdout
    assert said.startswith("Whole: 1 entry. Database: sqlite://")
    head = said.split()[-1]
    assert shell("audit", "verify", "--expect", head.upper()).stdout == said
    assert "64 hexadecimal digits" in shell("audit", "verify", "--expect", head[:12]).stderr
    gone = shell("audit", "verify", "--expect", "0" * 63 + "1")
    assert (gone.returncode, gone.stdout) == (1, "")
    assert gone.stderr.startswith("no entry has the expected hash: after entry 1 some were cut off")
    with unguarded(sqlite_url(file)) as cursor:
        cursor.execute("UPDATE trail_entry SET actor_id = 7")
    changed = shell("audit", "verify")
    assert changed.returncode == 1
    assert changed.stderr == (
        "entry 1 was changed: its hash is not that of what it says\n"
        f"0 entries before it fit, up to the hash {'0' * 64}.\n"
    )


def test_a_trail_without_any_entry_is_told(shell: Shell) -> None:
    """Which says more than that all of none fit: somebody was made an administrator."""
    file = shell.folder / "data" / "covid-xr.sqlite"
    shell("create-admin", "a@h.example")
    asyncio.run(seal_in(file))
    with unguarded(sqlite_url(file)) as cursor:
        cursor.execute("DELETE FROM trail_entry")
    emptied = shell("audit", "verify")
    assert emptied.returncode == 1
    assert emptied.stderr.startswith("there is no entry, not even of who was made an administrator")


async def seal_in(file: Path) -> None:
    async with open_database(sqlite_url(file)):
        assert await seal() == 1


def test_an_account_that_is_there_gets_the_password(shell: Shell) -> None:
    file = shell.folder / "data" / "covid-xr.sqlite"
    assert "password replaced" not in shell("create-admin", "a@h.example").stdout
    with closing(sqlite3.connect(file)) as database:
        first = database.execute("SELECT password_hash FROM user").fetchall()
    again = shell("create-admin", "a@h.example", COVIDXR_ADMIN_PASSWORD="another horse battery")
    assert again.stdout.startswith("a@h.example was there: password replaced")
    with closing(sqlite3.connect(file)) as database:
        second = database.execute("SELECT password_hash FROM user").fetchall()
    assert len(first) == len(second) == 1
    assert first != second


def test_without_a_terminal_a_password_is_a_setting(shell: Shell) -> None:
    line = complaint(shell("create-admin", "a@h.example", COVIDXR_ADMIN_PASSWORD=""))
    assert "set COVIDXR_ADMIN_PASSWORD" in line


def test_predict_leaves_nothing_where_it_is_run(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "chest.png").write_bytes(picture())
    result = shell("predict", str(tmp_path / "chest.png"))
    assert result.returncode == 0, result.stderr
    assert list(shell.folder.iterdir()) == []


def test_predict_finds_the_same_in_a_dicom_file_as_in_its_picture(shell: Shell, tmp_path: Path) -> None:
    chest = np.asarray(radiograph("pneumonia", 3), np.float32)
    chest = np.interp(chest, (chest.min(), chest.max()), (0, 255)).round().astype(np.uint8)
    Image.fromarray(chest).save(tmp_path / "chest.png")
    (tmp_path / "chest.dcm").write_bytes(dicom(chest, 8, PatientName=NAME))
    result = shell("predict", "--json", str(tmp_path / "chest.png"), str(tmp_path / "chest.dcm"))
    assert result.returncode == 0, result.stderr
    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert second["finding"] == first["finding"]
    assert second["probability"] == pytest.approx(first["probability"], abs=1e-4)
    assert NAME not in result.stdout + result.stderr


def test_predict_keeps_its_caches_where_a_folder_is_named(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "chest.png").write_bytes(picture())
    shell("predict", str(tmp_path / "chest.png"), COVIDXR_DATA_DIR="here")
    assert (shell.folder / "here" / "cache" / "weights").is_dir()


@pytest.mark.skipif(any(d.platform == "gpu" for d in jax.devices()), reason="there is a GPU")
@pytest.mark.parametrize("command", [["serve"], ["predict", "x.png"]], ids=lambda words: words[0])
def test_a_gpu_that_is_not_there(shell: Shell, command: list[str]) -> None:
    result = shell(*command, COVIDXR_DEVICE="gpu", COVIDXR_PORT="0", JAX_PLATFORMS="")
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1, result.stderr
    assert "COVIDXR_DEVICE=gpu, but jax finds no GPU" in result.stderr
    assert "set COVIDXR_DEVICE=cpu" in result.stderr
