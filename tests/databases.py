"""Databases for tests: SQLite files, and an own database on a MariaDB or MySQL server on loopback."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import pymysql
import pytest

from store.database import migrate, sqlite_url
from tests.missing import missing

TRAIL = "trail_entry"
SERVER = os.environ.get("COVIDXR_TEST_MYSQL", "mysql://root:@127.0.0.1:3306")


def connect(database: str | None = None) -> pymysql.Connection:
    """A connection to the test server; skips by name, or fails under CI, where there is none."""
    parts = urlsplit(SERVER)
    try:
        return pymysql.connect(
            host=parts.hostname or "127.0.0.1",
            port=parts.port or 3306,
            user=unquote(parts.username or "root"),
            password=unquote(parts.password or ""),
            database=database,
            autocommit=True,
            ssl_disabled=True,  # it reads the certificates of all authorities else, for each test anew
        )
    except pymysql.err.OperationalError as error:
        message = (
            f"no MariaDB or MySQL server at {parts.hostname}:{parts.port}: set COVIDXR_TEST_MYSQL ({error})"
        )
        missing(message)


@contextmanager
def own_mysql() -> Iterator[str]:
    """The URL of a database made for this run, up to date, dropped afterwards."""
    with empty_mysql() as url:
        asyncio.run(migrate(url))
        yield url


@contextmanager
def empty_mysql() -> Iterator[str]:
    """The URL of a database without tables, dropped afterwards."""
    name = f"covidxr_test_{uuid4().hex[:12]}"
    with connect() as server:
        server.cursor().execute(f"CREATE DATABASE {name}")
    try:
        yield f"{SERVER}/{name}"
    finally:
        with connect() as server:
            server.cursor().execute(f"DROP DATABASE {name}")


def empty(url: str) -> None:
    """Remove every row. Counts go on: beginning them anew costs half a second a test."""
    with connect(urlsplit(url).path[1:]) as server:
        cursor = server.cursor()
        cursor.execute("SHOW TABLES")
        tables = {table for (table,) in cursor.fetchall()} - {"tortoise_migrations", TRAIL}
        cursor.execute("SET FOREIGN_KEY_CHECKS = 0")
        if cursor.execute(f"SELECT 1 FROM {TRAIL} LIMIT 1"):
            cursor.execute(f"TRUNCATE TABLE {TRAIL}")  # which refuses to be emptied row by row
        server.begin()
        for table in tables:
            cursor.execute(f"DELETE FROM `{table}`")
        server.commit()


def ready(engine: str, request: pytest.FixtureRequest, folder: Path) -> str:
    """The URL of an empty database with its tables, on "sqlite" or "mysql"; of MySQL's there is one a run."""
    if engine == "sqlite":
        return sqlite_copy(request.getfixturevalue("sqlite_template"), folder)
    url: str = request.getfixturevalue("mysql_url")
    empty(url)
    return url


def sqlite_template(folder: Path) -> Path:
    """A SQLite file whose tables are up to date, to be copied for each test."""
    template = folder / "template.sqlite"
    asyncio.run(migrate(sqlite_url(template)))
    return template


def sqlite_copy(template: Path, folder: Path) -> str:
    """The URL of a fresh copy of the template."""
    return sqlite_url(Path(shutil.copy(template, folder / "covid-xr.sqlite")))
