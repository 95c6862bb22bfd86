"""Restoring a backup into an empty place: all is checked before anything is written, and rows come last."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tortoise.backends.base.client import BaseDBAsyncClient

from services import backup_files
from services.backup_blobs import AT_ONCE, Follow
from services.backup_files import BackupUnusable, Blob, TableFile, Whole
from store import database
from store.blobs import Blobs
from store.sessions import Row, Session, all_rows, quoted, session
from store.snapshot import applied
from store.tables import Deployment

SKIPPED = 1_000_000
"""Numbers that a restored table leaves out. Those given after the backup are in bookmarks, on paper and in
pages that were open, and shall not come to mean something else; a cursor from then misses no event of now."""
ROWS_AT_ONCE = 500
SESSIONS = "token"


@dataclass(frozen=True)
class Place:
    """Where a backup goes: a database, blobs, and the file of the key of addresses, None for a setting."""

    database_url: str
    blobs: Blobs
    secret: Path | None


@dataclass(frozen=True)
class Restoring:
    """A backup on its way into a place that holds nothing yet."""

    backup: Whole
    place: Place
    with_sessions: bool = True

    async def check_place(self) -> None:
        """See that there are no rows, and no blobs but what a restoring that was cut short has put there.

        Raises:
            BackupUnusable: there are.
        """
        async with database.open_database(self.place.database_url), session(Deployment._meta.db) as rows:
            await self._check_rows(rows)
        ours = {blob.key for blob in self.backup.index()}
        async for found in self.place.blobs.list(""):
            for blob in found:
                if blob.key not in ours:
                    raise BackupUnusable(
                        f"there are blobs already, such as {blob.key}: name another place, or empty this one."
                    )

    async def restore_blobs(self, follow: Follow) -> None:
        """Put the blobs where they are to lie, and see that they do.

        Raises:
            BackupUnusable: one is not there, or not whole.
        """
        blobs, done = self.backup.index(), 0
        while batch := list(islice(blobs, AT_ONCE)):
            await asyncio.gather(*map(self._put, batch))
            done += len(batch)
            follow(done, self.backup.manifest.blobs)
        lie = {blob.key: blob.size async for some in self.place.blobs.list("") for blob in some}
        for blob in self.backup.index():
            if lie.get(blob.key) != blob.size:
                raise BackupUnusable(f"{blob.key} was put and is not there as it was: see to the blob store.")

    def restore_secret(self) -> None:
        """Put the key that signs addresses where it is looked for, unless there is one."""
        file, secret = self.place.secret, self.backup.secret
        if file and secret and not file.exists():
            with backup_files.created(file) as new:
                new.write(secret.read_bytes())

    async def restore_rows(self, follow: Follow) -> None:
        """Fill the tables as they were, in one transaction, and bring them up to date.

        Raises:
            BackupUnusable: one has not as many rows then.
        """

        async def load(connection: BaseDBAsyncClient) -> None:
            async with session(connection) as rows:
                await self._load(rows, follow)

        await database.fill(self.place.database_url, self.backup.manifest.migrations[-1], load)

    async def _check_rows(self, rows: Session) -> None:
        for table in await rows.tables():
            if await all_rows(rows, f"SELECT 1 FROM {quoted(table)} LIMIT 1"):  # noqa: S608 - a name of ours
                raise BackupUnusable(
                    f"the database has rows already, in {table}: name an empty one, or make this one anew."
                )
        if set(await applied(rows)) - set(self.backup.manifest.migrations):
            raise BackupUnusable(
                "the database has no rows, and tables of a newer version than the backup's: make it anew."
            )

    async def _load(self, rows: Session, follow: Follow) -> None:
        tables = self.backup.manifest.tables
        for table in tables:
            if table.counter is not None:
                await rows.count_from(table.name, table.counter + SKIPPED)
        await rows.write()
        done, total = 0, self.backup.manifest.rows
        for table in tables:
            if self.with_sessions or table.name != SESSIONS:
                await self._load_table(rows, table)
                await _compare(rows, table)
            done += table.rows
            follow(done, total)
        await rows.do("COMMIT")

    async def _load_table(self, rows: Session, table: TableFile) -> None:
        lines: Iterator[Row] = self.backup.rows(table)
        while some := list(islice(lines, ROWS_AT_ONCE)):
            await rows.insert(table.name, table.columns, some)

    async def _put(self, blob: Blob) -> None:
        await self.place.blobs.put_file(blob.key, self.backup.file_of(blob))


async def _compare(rows: Session, table: TableFile) -> None:
    ((count,),) = await all_rows(rows, f"SELECT count(*) FROM {quoted(table.name)}")  # noqa: S608 - a name of ours
    if count != table.rows:
        raise BackupUnusable(f"{count} rows of {table.rows} are in {table.name}: see to the database.")
