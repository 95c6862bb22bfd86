"""Databases that cannot be used: told at once, in one line with the remedy, without the password."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pymysql import _auth

from store import database as databases_opened
from store import database_faults
from store.database import migrate, open_database, sqlite_url
from store.database_faults import DatabaseUnusable, shown
from tests import databases


async def opened(url: str) -> None:
    async with open_database(url):
        pass


@pytest.fixture(params=[opened, migrate], ids=["open", "migrate"])
def use(request: pytest.FixtureRequest) -> Callable[[str], Awaitable[None]]:
    """Each way to come to a database."""
    used: Callable[[str], Awaitable[None]] = request.param
    return used


Use = Callable[[str], Awaitable[None]]


async def refusal(use: Use, url: str) -> str:
    """What is said of a database that cannot be used; waiting for ever fails."""
    async with asyncio.timeout(60):
        with pytest.raises(DatabaseUnusable) as refused:
            await use(url)
    message = str(refused.value)
    assert "\n" not in message
    assert shown(url) in message
    assert "Remedy: " in message
    return message


def no_database(file: Path) -> None:
    file.write_bytes(b"certainly no database" * 500)


def a_folder(file: Path) -> None:
    file.mkdir()


def damaged(file: Path) -> None:
    """Its header is whole, its tables are not."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE a (b)")
        connection.execute("PRAGMA journal_mode = DELETE")
    data = bytearray(file.read_bytes())
    data[100:4096] = b"\xff" * 3996
    file.write_bytes(data)


def beside_no_folder(file: Path) -> None:
    file.parent.rmdir()


def beneath_a_file(file: Path) -> None:
    file.parent.rmdir()
    file.parent.touch()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (no_database, "file is not a database. Remedy: restore it from a backup, or move it away"),
        (damaged, "malformed.* Remedy: restore it from a backup, or move it away"),
        (a_folder, "it is a folder. Remedy: move the folder away"),
        (beside_no_folder, "is no folder. Remedy: make it one"),
        (beneath_a_file, "is no folder. Remedy: make it one"),
    ],
)
async def test_a_file_that_cannot_be_used(
    tmp_path: Path, use: Use, spoil: Callable[[Path], None], reason: str
) -> None:
    file = tmp_path / "folder" / "covid-xr.sqlite"
    file.parent.mkdir()
    spoil(file)
    assert re.search(reason, await refusal(use, sqlite_url(file)))


async def test_a_file_that_is_kept_locked(tmp_path: Path, use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_faults, "BUSY_SECONDS", 0.01)
    file = tmp_path / "covid-xr.sqlite"
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("BEGIN IMMEDIATE")
        assert "end the process that keeps it locked" in await refusal(use, sqlite_url(file))


async def test_a_file_of_another_program(tmp_path: Path) -> None:
    file = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE image (picture BLOB)")
    assert "name a file of the platform's own" in await refusal(migrate, sqlite_url(file))


async def test_a_file_that_was_refused_can_be_mended_and_used(tmp_path: Path) -> None:
    file = tmp_path / "covid-xr.sqlite"
    no_database(file)
    await refusal(migrate, sqlite_url(file))
    file.unlink()
    await migrate(sqlite_url(file))
    await opened(sqlite_url(file))


@pytest.mark.parametrize("code", ["1045", "1049"])
async def test_a_mysql_server_that_does_not_let_us_in(use: Use, code: str) -> None:
    databases.connect().close()  # skips where there is none
    place = databases.SERVER.rpartition("@")[2]
    messages = {
        "1045": (f"mysql://nobody:s3cret@{place}/covid", "Remedy: mend the user and the password"),
        "1049": (f"{databases.SERVER}/no_such_covid", "Remedy: create it: CREATE DATABASE no_such_covid "),
    }
    url, reason = messages[code]
    message = await refusal(use, url)
    assert reason in message
    assert "s3cret" not in message


@pytest.fixture
def reader_url() -> Iterator[str]:
    """The URL of an empty database for a user who may only read it."""
    name, place = f"covidxr_test_{uuid4().hex[:12]}", databases.SERVER.rpartition("@")[2]
    with databases.connect() as server:
        cursor = server.cursor()
        cursor.execute(f"CREATE DATABASE {name}")
        cursor.execute(f"CREATE USER '{name}'@'%' IDENTIFIED BY 's3cret'")
        cursor.execute(f"GRANT SELECT ON {name}.* TO '{name}'@'%'")
        yield f"mysql://{name}:s3cret@{place}/{name}"
        cursor.execute(f"DROP USER '{name}'@'%'")
        cursor.execute(f"DROP DATABASE {name}")


async def test_a_mysql_user_who_may_not_make_tables(reader_url: str) -> None:
    message = await refusal(migrate, reader_url)
    assert f"GRANT ALL ON {urlsplit(reader_url).path[1:]}.* to the user" in message
    assert "s3cret" not in message


async def test_a_mysql_server_that_is_away(use: Use, free_tcp_port: int) -> None:
    message = await refusal(use, f"mysql://covid:s3cret@127.0.0.1:{free_tcp_port}/covid")
    assert "Connect call failed" in message
    assert "Remedy: start the server, or mend its URL" in message
    assert "s3cret" not in message


def test_the_way_in_of_mysql_8_is_installed() -> None:
    """Its default users send an encrypted password; MariaDB, on which the tests run, has others."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    pem = key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert len(_auth.sha2_rsa_encrypt(b"s3cret", b"salt", pem)) == 2048 // 8


@pytest.fixture
async def silent_port() -> AsyncIterator[int]:
    """The port of a server that takes connections and says nothing."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_a_server_that_says_nothing_is_not_waited_for(
    use: Use, silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(databases_opened, "CONNECT_SECONDS", 0.1)
    message = await refusal(use, f"mysql://covid:s3cret@127.0.0.1:{silent_port}/covid")
    assert "no MySQL server answers there" in message


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("mysql://u:p%40ss@h:1/n", "mysql://u@h:1/n"),
        ("mysql://u:@h/n", "mysql://u@h/n"),
        ("mysql://u@h/n", "mysql://u@h/n"),
        ("mysql://u:p:a@ss@h/n", "mysql://u@h/n"),
        ("mysql://u:12/34?5@h/n?ssl_ca=/x", "mysql://u@h/n"),
        ("mysql://h:1/n?password=s3cret", "mysql://h:1/n"),
        ("sqlite:///a@b:c/d#e?f", "sqlite:///a@b:c/d#e?f"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, seen: str) -> None:
    assert shown(url) == seen
