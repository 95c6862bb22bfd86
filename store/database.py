"""Opening the database, SQLite or MySQL by URL, and keeping its tables up to date."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pymysql.constants import CLIENT, ER
from pymysql.err import MySQLError
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.backends.base.config_generator import expand_db_url
from tortoise.config import AppConfig, ConnectionConfig, TortoiseConfig
from tortoise.context import TortoiseContext
from tortoise.exceptions import OperationalError
from tortoise.transactions import in_transaction

from store import migrating, trail_guard
from store.database_faults import BUSY_SECONDS, explained, try_sqlite
from store.migrating import bring_up_to_date
from store.mysql import ANSWER_SECONDS
from store.tls import AUTHORITY, authority

T = TypeVar("T")

MYSQL_POOL_SIZE = 20
CONNECT_SECONDS = 15
"""After this a server is taken for one that does not answer, or for none of MySQL's."""
STATEMENT_SECONDS = 25.0
"""How long a statement may take by which somebody is answered; an operation has 30 seconds."""
ATTEMPTS = 5
"""How often a transaction is tried that MySQL undoes because of another one."""


class DatabaseUrlError(ValueError):
    """The database URL is neither ``sqlite://PATH`` nor ``mysql://USER:PASSWORD@HOST:PORT/NAME[?ssl_ca=FILE]``."""


def configuration(url: str, answer_seconds: float | None = None) -> TortoiseConfig:
    """Tortoise's configuration for a database URL; see `open_database`.

    Raises:
        DatabaseUrlError: the scheme is unknown.
        ValueError: it asks for TLS in other words than ours.
    """
    # Named after the dialect: Tortoise keeps prepared statements by this name for the whole process.
    name = urlsplit(url).scheme
    return TortoiseConfig(
        connections={name: _connection(url, answer_seconds)},
        apps={"store": AppConfig(models=["store.tables"], default_connection=name, migrations="migrations")},
        use_tz=True,
        timezone="UTC",
    )


def _connection(url: str, answer_seconds: float | None) -> ConnectionConfig:
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        # Not as a URL: a folder's name may hold characters that a URL would take for its own.
        file = url.removeprefix("sqlite://")
        return ConnectionConfig(
            engine="tortoise.backends.sqlite",
            credentials={"file_path": file, "busy_timeout": round(BUSY_SECONDS * 1000)},
        )
    if scheme == "mysql":
        # A conditional update counts the rows that it found, as on SQLite, not those that it changed.
        extra = {"maxsize": MYSQL_POOL_SIZE, "client_flag": CLIENT.FOUND_ROWS, ANSWER_SECONDS: answer_seconds}
        given = expand_db_url(url)["credentials"]
        return ConnectionConfig(
            engine="store.mysql", credentials={**extra, **given, AUTHORITY: authority(url)}
        )
    raise DatabaseUrlError(f"not a database URL: scheme {scheme!r}; use sqlite://PATH or mysql://…")


def sqlite_url(file: Path) -> str:
    """The URL of a SQLite file."""
    return f"sqlite://{file.resolve()}"


@asynccontextmanager
async def open_database(url: str, answer_seconds: float | None = STATEMENT_SECONDS) -> AsyncIterator[None]:
    """Connect for as long as the context lasts; queries of every task find the connection.

    A statement that MySQL has not answered after so many seconds raises DatabaseAway.

    Raises:
        DatabaseUnusable: there is no such database, or it does not let us in.
    """
    # A web server runs its handlers outside the task that opened the database: hence the fallback.
    async with _connected(configuration(url, answer_seconds), url, from_every_task=True):
        yield


async def migrate(url: str) -> None:
    """Bring the tables up to date with ``migrations/``, and have the database keep the trail.

    Raises:
        DatabaseUnusable: there is no such database, or it does not let us make tables.
    """
    async with _migrating(url) as (connection, apps):
        # Not by Tortoise's own `migrate`: it connects at the first query, whose failure keeps the lock.
        await bring_up_to_date(connection, apps)
        await trail_guard.put_up(connection)


async def fill(url: str, last: str, load: Callable[[BaseDBAsyncClient], Awaitable[None]]) -> None:
    """Have ``load`` put rows into the tables as the migration ``last`` made them, and bring these up to date.

    Raises:
        DatabaseUnusable: there is no such database, or it does not let us make tables.
    """
    async with _migrating(url) as (connection, apps):
        await migrating.fill(connection, apps, last, lambda: load(connection))
        await trail_guard.put_up(connection)


@asynccontextmanager
async def _migrating(url: str) -> AsyncIterator[tuple[BaseDBAsyncClient, dict[str, dict[str, object]]]]:
    async with _connected(configuration(url), url, from_every_task=False) as context:
        name, apps = urlsplit(url).scheme, configuration(url).to_dict()["apps"]
        with context, warnings.catch_warnings(), explained(url):
            # MySQL warns where CREATE TABLE IF NOT EXISTS finds its table.
            warnings.filterwarnings("ignore", "Table .* already exists")
            yield context.connections.get(name), apps


@asynccontextmanager
async def _connected(
    settings: TortoiseConfig, url: str, from_every_task: bool
) -> AsyncIterator[TortoiseContext]:
    context = TortoiseContext()
    try:
        with context, explained(url):
            if url.startswith("sqlite://"):
                await asyncio.to_thread(try_sqlite, Path(url.removeprefix("sqlite://")))
            await context.init(config=settings, _enable_global_fallback=from_every_task)
            # Now, since a first query that is cancelled while it connects would keep SQLite's lock for ever.
            async with asyncio.timeout(CONNECT_SECONDS):
                for name in settings.connections:
                    await context.connections.get(name).create_connection(with_db=True)
        yield context
    finally:
        with context:
            await context.close_connections()


async def atomically(body: Callable[[], Awaitable[T]]) -> T:
    """Run ``body`` in one transaction, to its end even when the caller is cancelled meanwhile.

    Cancelled inside ``in_transaction().__aenter__``, Tortoise never gives SQLite's lock or MySQL's pooled
    connection back; a client that hangs up must not do that to everybody else. Begin ``body`` with a
    write: SQLite refuses to turn a transaction that has read into one that writes while another process
    writes. Let it bear running again: of two transactions that wait for each other, MySQL undoes one.
    """
    task = asyncio.create_task(_transaction(body, ATTEMPTS))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with suppress(asyncio.CancelledError):  # cancelled once more
                await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # marked as seen: whoever would have handled it has gone
        raise


async def _transaction(body: Callable[[], Awaitable[T]], attempts: int) -> T:
    try:
        async with in_transaction():
            return await body()
    except OperationalError as error:
        if attempts == 1 or not _asks_for_another_attempt(error):
            raise
    return await _transaction(body, attempts - 1)


def _asks_for_another_attempt(error: OperationalError) -> bool:
    cause = error.args[0] if error.args else None
    return isinstance(cause, MySQLError) and cause.args[0] in (ER.LOCK_DEADLOCK, ER.CHECKREAD)


# What ``tortoise makemigrations`` reads, by way of pyproject.toml.
TORTOISE: dict[str, Any] = configuration("sqlite://:memory:").to_dict()
