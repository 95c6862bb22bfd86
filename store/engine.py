"""What the database's engine says of itself, for whoever looks whether it is fit for the platform."""

from __future__ import annotations

from dataclasses import dataclass

from store.sessions import Session, all_rows, session
from store.snapshot import applied
from store.tables import Deployment

ON_MYSQL = """SELECT VERSION(), @@character_set_database, @@innodb_flush_log_at_trx_commit,
    @@max_connections"""


@dataclass(frozen=True)
class Engine:
    """``migrations`` are those that the tables have had, none where there are no tables."""

    name: str
    version: str
    characters: str
    is_durable: bool
    """Whether what it has acknowledged is on the disk."""
    connections: int | None
    """How many it lets in at a time, None of a file."""
    migrations: list[str]


async def engine() -> Engine:
    """That of the open database."""
    async with session(Deployment._meta.db) as one:
        if Deployment._meta.db.capabilities.dialect == "sqlite":
            ((version,),) = await all_rows(one, "SELECT sqlite_version()")
            return Engine("SQLite", version, "utf8mb4", True, None, await applied(one))
        return await _mysql(one)


async def damage() -> str | None:
    """What SQLite finds wrong within its file, if anything; a server looks after its own."""
    async with session(Deployment._meta.db) as one:
        if Deployment._meta.db.capabilities.dialect != "sqlite":
            return None
        found = [str(row[0]) for row in await all_rows(one, "PRAGMA quick_check(1)")]
    return None if found == ["ok"] else found[0]


async def _mysql(one: Session) -> Engine:
    ((version, characters, flush, connections),) = await all_rows(one, ON_MYSQL)
    number, _, _ = str(version).partition("-")
    name = "MariaDB" if "mariadb" in str(version).lower() else "MySQL"
    return Engine(name, number, characters, flush == 1, connections, await applied(one))
