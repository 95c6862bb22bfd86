"""One connection that is asked for whole tables, whatever their version, in the words of its engine."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Protocol

from aiomysql import SSCursor
from tortoise.backends.base.client import BaseDBAsyncClient

from store.migrating import RECORD

Row = Sequence[Any]

AT_ONCE = 500
"""Rows that are read or written at a time."""
NEXT_NUMBER = re.compile(r"AUTO_INCREMENT=(\d+)")


class Session(Protocol):
    """Rows are made of numbers, texts and None: of times, the texts that SQLite has, in UTC."""

    async def do(self, *statements: str) -> None: ...

    def ask(self, query: str) -> AsyncIterator[list[Row]]:
        """The rows, some at a time."""
        ...

    async def look(self) -> None:
        """Begin a transaction that sees everything as it is at this moment."""
        ...

    async def tables(self) -> list[str]:
        """All but the record of migrations, by name."""
        ...

    async def columns(self, table: str) -> list[str]: ...

    async def counter(self, table: str) -> int | None:
        """The next number that the table gives by itself; None if it has given none yet, or never does."""
        ...

    async def count_from(self, table: str, number: int) -> None:
        """Let the table give no smaller number by itself; outside a transaction, of an empty table."""
        ...

    async def write(self) -> None:
        """Begin a transaction for rows in any order: what they refer to may follow."""
        ...

    async def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None: ...


@asynccontextmanager
async def session(database: BaseDBAsyncClient) -> AsyncIterator[Session]:
    """A connection as long as the context lasts; a transaction that is open at its end is undone."""
    async with database.acquire_connection() as connection:
        on_sqlite = database.capabilities.dialect == "sqlite"
        one: Session = _Sqlite(connection) if on_sqlite else _MySql(connection)
        try:
            yield one
        finally:
            await connection.rollback()


def quoted(*names: str) -> str:
    """Names of tables or columns, as both engines take them."""
    return ", ".join(f"`{name}`" for name in names)


async def all_rows(session: Session, query: str) -> list[Row]:
    """The rows of a small answer."""
    return [row for some in [some async for some in session.ask(query)] for row in some]


class _Sqlite:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def do(self, *statements: str) -> None:
        for statement in statements:
            await (await self._connection.execute(statement)).close()

    async def ask(self, query: str) -> AsyncIterator[list[Row]]:
        cursor = await self._connection.execute(query)
        while found := await cursor.fetchmany(AT_ONCE):
            yield [tuple(row) for row in found]
        await cursor.close()

    async def look(self) -> None:
        # What is seen is fixed by the first read, not by BEGIN.
        await self.do("BEGIN", "SELECT count(*) FROM sqlite_master")

    async def tables(self) -> list[str]:
        found = await all_rows(self, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        return [name for (name,) in found if name != RECORD and not name.startswith("sqlite_")]

    async def columns(self, table: str) -> list[str]:
        return [row[1] for row in await all_rows(self, f"PRAGMA table_info({quoted(table)})")]

    async def counter(self, table: str) -> int | None:
        query = f"SELECT seq + 1 FROM sqlite_sequence WHERE name = '{table}'"  # noqa: S608 - a name of ours
        found = await all_rows(self, query)
        return found[0][0] if found else None

    async def count_from(self, table: str, number: int) -> None:
        await self.do(
            f"DELETE FROM sqlite_sequence WHERE name = '{table}'",  # noqa: S608
            f"INSERT INTO sqlite_sequence (name, seq) VALUES ('{table}', {number - 1})",  # noqa: S608
        )

    async def write(self) -> None:
        await self.do("PRAGMA foreign_keys = OFF", "BEGIN IMMEDIATE")

    async def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        marks = ", ".join("?" * len(columns))
        await self._connection.executemany(
            f"INSERT INTO {quoted(table)} ({quoted(*columns)}) VALUES ({marks})",  # noqa: S608
            rows,
        )


class _MySql:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def do(self, *statements: str) -> None:
        async with self._connection.cursor() as cursor:
            for statement in statements:
                await cursor.execute(statement)

    async def ask(self, query: str) -> AsyncIterator[list[Row]]:
        async with self._connection.cursor(SSCursor) as cursor:
            await cursor.execute(query)
            while found := await cursor.fetchmany(AT_ONCE):
                yield [tuple(map(_told, row)) for row in found]

    async def look(self) -> None:
        await self.do(
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
            "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
        )

    async def tables(self) -> list[str]:
        found = await all_rows(self, "SHOW FULL TABLES")
        return sorted(name for name, kind in found if kind == "BASE TABLE" and name != RECORD)

    async def columns(self, table: str) -> list[str]:
        return [row[0] for row in await all_rows(self, f"SHOW COLUMNS FROM {quoted(table)}")]

    async def counter(self, table: str) -> int | None:
        ((_, made),) = await all_rows(self, f"SHOW CREATE TABLE {quoted(table)}")
        found = NEXT_NUMBER.search(made)
        return int(found[1]) if found else None

    async def count_from(self, table: str, number: int) -> None:
        await self.do(f"ALTER TABLE {quoted(table)} AUTO_INCREMENT = {number}")

    async def write(self) -> None:
        await self.do("SET FOREIGN_KEY_CHECKS = 0", "START TRANSACTION")

    async def insert(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        kinds = {row[0]: row[1] for row in await all_rows(self, f"SHOW COLUMNS FROM {quoted(table)}")}
        times = [number for number, name in enumerate(columns) if kinds[name].startswith("datetime")]
        marks = ", ".join(["%s"] * len(columns))
        async with self._connection.cursor() as cursor:
            await cursor.executemany(
                f"INSERT INTO {quoted(table)} ({quoted(*columns)}) VALUES ({marks})",  # noqa: S608
                [_with_times(row, times) for row in rows],
            )


def _told(value: Any) -> Any:
    return value.replace(tzinfo=UTC).isoformat(" ") if isinstance(value, datetime) else value


def _with_times(row: Row, places: Sequence[int]) -> list[Any]:
    values = list(row)
    for place in places:
        if values[place] is not None:
            values[place] = datetime.fromisoformat(values[place]).astimezone(UTC).replace(tzinfo=None)
    return values
