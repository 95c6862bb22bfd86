"""Backing up: all rows as they are at one moment, and after them the blobs, while everything goes on."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from services import backup_files
from services.backup_files import INDEX, SECRET, BackupUnusable, Blob, Manifest, TableFile, blob_file, created
from store.blobs import BlobMissing, Blobs, Listed
from store.migrating import known
from store.snapshot import Snapshot, snapshot

AT_ONCE = 8
"""Blobs that are copied at the same time, a megabyte of each in memory."""
COMPRESSION = 4

Follow = Callable[[int, int], None]
"""Called with how many of how many are done."""


@dataclass(frozen=True)
class BackedUp:
    """What was made. ``sha256`` is the manifest's, and through it that of everything else."""

    manifest: Manifest
    sha256: str
    copied: int
    """Blobs that were not there from an earlier backup into the same folder."""
    gone: int
    """Blobs that were deleted meanwhile."""


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
            async with snapshot() as seen:
                check_version(seen.migrations)
                made_at = datetime.now(UTC)
                tables = await _write_rows(seen, folder, moment, rows)
            copying = _Copying(self.blobs, folder, moment)
            await copying.copy_all(blobs)
            manifest = Manifest(
                made_at=made_at.isoformat(timespec="seconds"),
                folder=moment,
                migrations=seen.migrations,
                events=self.events,
                tables=tables,
                blobs=copying.count,
                bytes=copying.bytes,
                index_sha256=backup_files.digest(folder / moment / INDEX),
                secret_sha256=_keep_secret(self.secret, folder / moment / SECRET),
            )
            sha256 = backup_files.finish(folder, manifest)
        return BackedUp(manifest, sha256, copying.copied, copying.gone)


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


async def _write_rows(seen: Snapshot, folder: Path, moment: str, follow: Follow) -> list[TableFile]:
    total, done, tables = sum(table.rows for table in seen.tables), 0, []
    for table in seen.tables:
        file = backup_files.table_file(folder, moment, table.name)
        with created(file) as raw, gzip.GzipFile("", "wb", COMPRESSION, raw, mtime=0) as lines:
            async for some in seen.rows(table):
                lines.writelines(map(_line, some))
                done += len(some)
                follow(done, total)
        sha256 = backup_files.digest(file)
        tables.append(TableFile(table.name, table.columns, table.rows, table.counter, sha256))
    return tables


def _line(values: Sequence[object]) -> bytes:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _keep_secret(secret: Path | None, file: Path) -> str | None:
    if secret is None or not secret.is_file():
        return None
    with created(file) as new:
        new.write(secret.read_bytes())
    return backup_files.digest(file)


class _Copying:
    """Blobs on their way into the folder."""

    def __init__(self, blobs: Blobs, folder: Path, moment: str) -> None:
        self._blobs, self._folder, self._new = blobs, folder, folder / moment
        self._known = backup_files.known_blobs(folder)
        self.count = self.bytes = self.copied = self.gone = 0

    async def copy_all(self, follow: Follow) -> None:
        """Copy what is there now, and write the index line by line: whoever comes after a crash goes on."""
        found = [blob async for some in self._blobs.list("") for blob in some]
        with created(self._new / INDEX) as index:
            for first in range(0, len(found), AT_ONCE):
                batch = found[first : first + AT_ONCE]
                for blob in await asyncio.gather(*map(self._copy, batch)):
                    if blob:
                        index.write(_line(blob))
                        self.count, self.bytes = self.count + 1, self.bytes + blob.size
                index.flush()
                follow(first + len(batch), len(found))

    async def _copy(self, listed: Listed) -> Blob | None:
        """The blob, once its bytes are there; None where it has gone meanwhile."""
        known = self._known.get(listed.key)
        if known is not None:
            is_there = await asyncio.to_thread(self._has, known, listed)
            if is_there:
                return known
        try:
            blob = await self._take(listed)
        except BlobMissing:
            self.gone += 1
            return None
        self.copied += 1
        return blob

    def _has(self, known: Blob, listed: Listed) -> bool:
        """Whether an earlier backup has copied the blob as it is now, and its bytes are still these."""
        is_same = listed.tag is not None and (known.size, known.tag) == (listed.size, listed.tag)
        return is_same and backup_files.is_whole(self._folder, known)

    async def _take(self, listed: Listed) -> Blob:
        """Read a blob into a file that then gets the name of its hash."""
        half, size, hashed = self._new / f"{uuid4().hex}.half", 0, hashlib.sha256()
        with await asyncio.to_thread(backup_files.opened, half) as new:
            async for some in self._blobs.read(listed.key):
                await asyncio.to_thread(new.write, some)
                hashed.update(some)
                size += len(some)
            await asyncio.to_thread(backup_files.keep, new)
        file = blob_file(self._folder, hashed.hexdigest())
        file.parent.mkdir(mode=0o700, exist_ok=True)
        half.replace(file)
        return Blob(listed.key, size, hashed.hexdigest(), listed.tag)
