"""All rows as they are at one moment, table by table, whatever the version of the tables."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from store.migrating import RECORD
from store.sessions import Row, Session, all_rows, quoted, session
from store.tables import Deployment


@dataclass(frozen=True)
class Table:
    """A table as it is in the snapshot."""

    name: str
    columns: list[str]
    rows: int
    counter: int | None
    """The next number that it gives by itself, or a later one; None where it has given none."""


@dataclass(frozen=True)
class Snapshot:
    """What a database holds; others may go on writing."""

    migrations: list[str]
    _session: Session

    async def tables(self) -> list[Table]:
        """All tables, whose rows are counted."""
        return [await _table(self._session, name) for name in await self._session.tables()]

    async def rows(self, table: Table) -> AsyncIterator[list[Row]]:
        """Its rows, some at a time, in the order of its key."""
        query = (
            f"SELECT {quoted(*table.columns)} FROM {quoted(table.name)} ORDER BY {quoted(table.columns[0])}"  # noqa: S608
        )
        async for some in self._session.ask(query):
            yield some

    async def values(self, table: str, *columns: str) -> AsyncIterator[Row]:
        """These columns of a table, row by row in no order."""
        async for some in self._session.ask(f"SELECT {quoted(*columns)} FROM {quoted(table)}"):  # noqa: S608
            for row in some:
                yield row


@asynccontextmanager
async def snapshot() -> AsyncIterator[Snapshot]:
    """The open database as it is now, for as long as the context lasts."""
    async with session(Deployment._meta.db) as one:
        await one.look()
        yield Snapshot(await applied(one), one)


async def applied(one: Session) -> list[str]:
    """The migrations that the database has had, in their order; none where it has no tables of ours."""
    if not {"user", "image"} <= set(await one.tables()):
        return []
    query = f"SELECT name FROM {RECORD} WHERE app = 'store' ORDER BY id"  # noqa: S608 - a name of our own
    return [name for (name,) in await all_rows(one, query)]


async def _table(one: Session, name: str) -> Table:
    columns = await one.columns(name)
    ((rows,),) = await all_rows(one, f"SELECT count(*) FROM {quoted(name)}")  # noqa: S608 - a name of ours
    return Table(name, columns, rows, await one.counter(name))
