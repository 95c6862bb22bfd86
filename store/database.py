"""Opening the database, SQLite or MySQL by URL, and keeping its tables up to date."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pymysql.constants import CLIENT
from tortoise import Tortoise
from tortoise.backends.base.config_generator import expand_db_url
from tortoise.config import AppConfig, ConnectionConfig, TortoiseConfig
from tortoise.context import TortoiseContext
from tortoise.migrations.api import migrate as apply_migrations
from tortoise.transactions import in_transaction

T = TypeVar("T")

SQLITE_BUSY_TIMEOUT_MS = 10_000
MYSQL_POOL_SIZE = 20


class DatabaseUrlError(ValueError):
    """The database URL is neither ``sqlite://PATH`` nor ``mysql://USER:PASSWORD@HOST:PORT/NAME``."""


def configuration(url: str) -> TortoiseConfig:
    """Tortoise's configuration for a database URL.

    Raises:
        DatabaseUrlError: the scheme is unknown.
    """
    # Named after the dialect: Tortoise keeps prepared statements by this name for the whole process.
    name = urlsplit(url).scheme
    return TortoiseConfig(
        connections={name: _connection(url)},
        apps={"store": AppConfig(models=["store.tables"], default_connection=name, migrations="migrations")},
        use_tz=True,
        timezone="UTC",
    )


def _connection(url: str) -> ConnectionConfig:
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        # Not as a URL: a folder's name may hold characters that a URL would take for its own.
        file = url.removeprefix("sqlite://")
        return ConnectionConfig(
            engine="tortoise.backends.sqlite",
            credentials={"file_path": file, "busy_timeout": SQLITE_BUSY_TIMEOUT_MS},
        )
    if scheme == "mysql":
        # A conditional update counts the rows that it found, as on SQLite, not those that it changed.
        extra = {"maxsize": MYSQL_POOL_SIZE, "client_flag": CLIENT.FOUND_ROWS}
        parts = expand_db_url(url)
        return ConnectionConfig(engine=parts["engine"], credentials={**extra, **parts["credentials"]})
    raise DatabaseUrlError(f"not a database URL: scheme {scheme!r}; use sqlite://PATH or mysql://…")


def sqlite_url(file: Path) -> str:
    """The URL of a SQLite file."""
    return f"sqlite://{file.resolve()}"


@asynccontextmanager
async def open_database(url: str) -> AsyncIterator[None]:
    """Connect for as long as the context lasts; queries of every task find the connection."""
    context = TortoiseContext()
    with context:
        # A web server runs its handlers outside the task that opened the database: hence the fallback.
        await context.init(config=configuration(url), _enable_global_fallback=True)
    try:
        yield
    finally:
        with context:
            await context.close_connections()


async def migrate(url: str) -> None:
    """Bring the tables up to date with ``migrations/``."""

    async def run() -> None:
        try:
            await apply_migrations(config=configuration(url))
        finally:
            await Tortoise.close_connections()

    with warnings.catch_warnings():
        # MySQL warns where CREATE TABLE IF NOT EXISTS finds its table.
        warnings.filterwarnings("ignore", "Table .* already exists")
        # In a task of its own, since Tortoise leaves its context behind in the caller's.
        await asyncio.create_task(run())


async def atomically(body: Callable[[], Awaitable[T]]) -> T:
    """Run ``body`` in one transaction, to its end even when the caller is cancelled meanwhile.

    Cancelled inside ``in_transaction().__aenter__``, Tortoise never gives SQLite's lock or MySQL's pooled
    connection back; a client that hangs up must not do that to everybody else. Begin ``body`` with a
    write: SQLite refuses to turn a transaction that has read into one that writes while another process
    writes.
    """

    async def transaction() -> T:
        async with in_transaction():
            return await body()

    task = asyncio.create_task(transaction())
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # marked as seen: whoever would have handled it has gone
        raise


# What ``tortoise makemigrations`` reads, by way of pyproject.toml.
TORTOISE: dict[str, Any] = configuration("sqlite://:memory:").to_dict()
