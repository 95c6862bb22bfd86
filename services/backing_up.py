"""Backing up, while everything goes on: all rows as they are at one moment, with the blobs that they name."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from services import backup_files
from services.backup_blobs import Copying, Follow
from services.backup_files import INDEX, SECRET, BackupUnusable, Manifest, TableFile, created, line
from store.blobs import Blobs
from store.migrating import known
from store.sessions import session
from store.snapshot import Snapshot, applied, snapshot
from store.tables import Deployment

COMPRESSION = 4
MOMENTS = 20
"""That are tried, where each time a blob goes that the rows of the moment name."""


@dataclass(frozen=True)
class BackedUp:
    """What was made. ``sha256`` is the manifest's, and through it that of everything else."""

    manifest: Manifest
    sha256: str
    copied: int
    """Blobs that were not there from an earlier backup into the same folder."""
    lost: int
    """Blobs that rows name and that were not there before either."""


@dataclass(frozen=True)
class BackingUp:
    """The open database and the blobs go into a folder.

    ``secret`` is the file with the key that signs addresses, None where it is a setting; ``events`` is where
    the events are, ``database`` or ``broker``.
    """

    blobs: Blobs
    secret: Path | None
    events: str

    async def back_up(self, folder: Path, rows: Follow, blobs: Follow) -> BackedUp:
        """Make a backup in ``folder``, or bring the one that is there up to date.

        Raises:
            BackupUnusable: it cannot be written there, or the database is not of this program.
        """
        with backup_files.begun(folder) as moment, backup_files.writable(folder):
            async with session(Deployment._meta.db) as one:
                check_version(await applied(one))
            copying = Copying(self.blobs, folder, moment)
            await copying.copy_all(blobs)
            found = await _take_rows(copying, folder, moment, rows)
            copying.finish()
            manifest = Manifest(
                made_at=found.at.isoformat(timespec="seconds"),
                folder=moment,
                migrations=found.migrations,
                events=self.events,
                tables=found.tables,
                blobs=copying.count,
                bytes=copying.bytes,
                index_sha256=backup_files.digest(folder / moment / INDEX),
                secret_sha256=_keep_secret(self.secret, folder / moment / SECRET),
            )
            sha256 = backup_files.finish(folder, manifest)
        return BackedUp(manifest, sha256, copying.copied, found.lost)


def check_version(applied: Sequence[str], what: str = "the database") -> None:
    """See that tables are of this version of the program, or of one before.

    Raises:
        BackupUnusable: they are of a newer one, or of none.
    """
    if not applied:
        raise BackupUnusable(f"{what} has no tables of the platform.")
    if newer := [name for name in applied if name not in known()]:
        raise BackupUnusable(
            f"{what} is of a newer version of the program, which has the migration {newer[-1]}: "
            "upgrade this one first."
        )


@dataclass(frozen=True)
class _Taken:
    """The rows of a moment, and how many of the blobs that they name are lost."""

    at: datetime
    migrations: list[str]
    tables: list[TableFile]
    lost: int


async def _take_rows(copying: Copying, folder: Path, moment: str, follow: Follow) -> _Taken:
    """The rows of a moment all of whose blobs have been copied, but for those that are lost for good.

    A blob goes when its image has been deleted, and behind the moment it may go before it has been copied:
    then a later moment is taken, which does not know the image any more. The last one counts as it is: who
    uploads and deletes without end keeps nobody from having a backup.
    """
    missing, number = set[str](), 0
    while True:
        number += 1
        async with snapshot() as seen:
            check_version(seen.migrations)
            before, at = missing, datetime.now(UTC)
            missing = await copying.copy_named(seen)
            if missing <= before or number == MOMENTS:
                tables = await _write_rows(seen, folder, moment, follow)
                return _Taken(at, seen.migrations, tables, len(missing))


async def _write_rows(seen: Snapshot, folder: Path, moment: str, follow: Follow) -> list[TableFile]:
    found = await seen.tables()
    total, done, tables = sum(table.rows for table in found), 0, []
    for table in found:
        file = backup_files.table_file(folder, moment, table.name)
        with created(file) as raw, gzip.GzipFile("", "wb", COMPRESSION, raw, mtime=0) as lines:
            async for some in seen.rows(table):
                lines.writelines(map(line, some))
                done += len(some)
                follow(done, total)
        sha256 = backup_files.digest(file)
        tables.append(TableFile(table.name, table.columns, table.rows, table.counter, sha256))
    return tables


def _keep_secret(secret: Path | None, file: Path) -> str | None:
    if secret is None or not secret.is_file():
        return None
    with created(file) as new:
        new.write(secret.read_bytes())
    return backup_files.digest(file)
