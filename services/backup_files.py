"""A backup as it lies in a folder: a manifest, rows and blobs, each with its SHA-256.

    DIR/manifest.json              what there is; put in place last, so that a backup without it is none
    DIR/MOMENT/TABLE.jsonl.gz      the rows of a table, a JSON list a line, in the order of its columns
    DIR/MOMENT/blobs.jsonl         the blobs: key, size, SHA-256 and tag, a JSON list a line
    DIR/MOMENT/secret.key          where the data folder holds it
    DIR/blobs/ab/abcd…             the bytes of blobs, by their SHA-256

The next backup into the same folder makes a folder of its own beside the last one's, and adds blobs. Until
its manifest takes the place of the other, the other is whole.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, NamedTuple

from store.disk import settle

MANIFEST = "manifest.json"
BLOBS = "blobs"
INDEX = "blobs.jsonl"
SECRET = "secret.key"
LOCK = "backup.lock"
FORMAT = "covid-xr backup 1"
MOMENT = "%Y%m%dT%H%M%S%fZ"
MOMENTS = re.compile(r"\d{8}T\d{12}Z")
NAMES = re.compile(r"[a-z][a-z0-9_]*")


class BackupUnusable(Exception):
    """A backup cannot be made or restored; the message is one line with the remedy."""


@dataclass(frozen=True)
class TableFile:
    """A table: its name, its columns, how many rows, and the next number that it gives by itself."""

    name: str
    columns: list[str]
    rows: int
    counter: int | None
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a backup holds."""

    made_at: str
    folder: str
    migrations: list[str]
    events: str
    """Where the events were: ``database``, or ``broker``, whose events are in no backup."""
    tables: list[TableFile]
    blobs: int
    bytes: int
    index_sha256: str
    secret_sha256: str | None

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)


class Blob(NamedTuple):
    """A blob in the index; the tag is the store's that it came from."""

    key: str
    size: int
    sha256: str
    tag: str | None


def table_file(folder: Path, moment: str, table: str) -> Path:
    return folder / moment / f"{table}.jsonl.gz"


def blob_file(folder: Path, sha256: str) -> Path:
    return folder / BLOBS / sha256[:2] / sha256


def digest(file: Path) -> str:
    """The SHA-256 of a file."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


@contextmanager
def begun(folder: Path) -> Iterator[str]:
    """A folder for another backup, its owner's alone, and the moment that names what is new in it.

    Raises:
        BackupUnusable: it cannot be written, something else is in it, or another backup is being made.
    """
    with writable(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()) and not (folder / LOCK).exists():
            raise BackupUnusable(
                f"{folder} holds something else: name a folder that is new, empty or a backup's."
            )
        with suppress(PermissionError):  # of a disk that knows no modes, or that somebody else has mounted
            folder.chmod(0o700)
        with open(folder / LOCK, "a", opener=_private) as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise BackupUnusable(f"another backup is being made in {folder}: wait for it.") from error
            moment = datetime.now(UTC).strftime(MOMENT)
            (folder / moment).mkdir(mode=0o700)
            (folder / BLOBS).mkdir(mode=0o700, exist_ok=True)
            yield moment


@contextmanager
def writable(folder: Path) -> Iterator[None]:
    """What the system says of a folder, as BackupUnusable."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise BackupUnusable(
            f"{error.filename or folder} cannot be used: {reason}. See to its disk, or name another folder."
        ) from error


@contextmanager
def created(file: Path) -> Iterator[IO[bytes]]:
    """A new file, its owner's alone, on the disk once the context ends."""
    with opened(file) as new:
        yield new
        keep(new)


def opened(file: Path) -> IO[bytes]:
    """A new file, its owner's alone."""
    return open(file, "wb", opener=_private)


def keep(new: IO[bytes]) -> None:
    """See that what was written is on the disk."""
    new.flush()
    os.fsync(new.fileno())


def finish(folder: Path, manifest: Manifest) -> str:
    """Put the manifest in place and remove what only the backup before had; the SHA-256 of the manifest."""
    text = json.dumps({"format": FORMAT, **asdict(manifest)}, indent=1) + "\n"
    with created(folder / "manifest.new") as new:
        new.write(text.encode())
    _settle(folder)
    (folder / "manifest.new").replace(folder / MANIFEST)
    settle(folder)
    _remove_what_is_not_in(folder, manifest)
    return hashlib.sha256(text.encode()).hexdigest()


def _settle(folder: Path) -> None:
    for one in (folder, *folder.iterdir(), *(folder / BLOBS).iterdir()):
        if one.is_dir():
            settle(one)


@dataclass(frozen=True)
class Whole:
    """A backup that was made to its end, in its folder."""

    folder: Path
    manifest: Manifest

    @property
    def secret(self) -> Path | None:
        """The file with the key that signs addresses."""
        return self.folder / self.manifest.folder / SECRET if self.manifest.secret_sha256 else None

    def index(self) -> Iterator[Blob]:
        """Its blobs."""
        return index(self.folder, self.manifest.folder)

    def file_of(self, blob: Blob) -> Path:
        return blob_file(self.folder, blob.sha256)

    def rows(self, table: TableFile) -> Iterator[list[Any]]:
        """The rows of a table, in the order of its key."""
        with gzip.open(table_file(self.folder, self.manifest.folder, table.name)) as lines:
            yield from map(json.loads, lines)

    def check(self, follow: Callable[[int, int], None]) -> None:
        """Read every file and compare it with its SHA-256.

        Args:
            follow: called with how many of how many blobs have been read.

        Raises:
            BackupUnusable: one is missing or damaged.
        """
        manifest = self.manifest
        new = self.folder / manifest.folder
        _check(new / INDEX, manifest.index_sha256)
        if self.secret:
            _check(self.secret, manifest.secret_sha256)
        for table in manifest.tables:
            _check(table_file(self.folder, manifest.folder, table.name), table.sha256)
        for done, blob in enumerate(self.index(), 1):
            _check(self.file_of(blob), blob.sha256)
            follow(done, manifest.blobs)


def _check(file: Path, sha256: str | None) -> None:
    if not file.is_file():
        raise BackupUnusable(f"{file} is missing: take another backup.")
    if digest(file) != sha256:
        raise BackupUnusable(f"{file} is damaged: take another backup.")


def read(folder: Path, expected: str | None = None) -> Whole:
    """A backup that was made to its end.

    Args:
        expected: the SHA-256 of its manifest, which was printed when it was made.

    Raises:
        BackupUnusable: there is none, its manifest is damaged or of another kind, or not what is expected.
    """
    file = folder / MANIFEST
    if not file.is_file():
        if (folder / LOCK).exists():
            raise BackupUnusable(
                f"the backup in {folder} is incomplete: it was cut short. Make it again, or take another."
            )
        raise BackupUnusable(f"there is no backup in {folder}: it has no {MANIFEST}.")
    data = file.read_bytes()
    if expected not in (None, hashlib.sha256(data).hexdigest()):
        raise BackupUnusable(
            f"{file} is not the one whose SHA-256 is expected: give what the last backup into this folder "
            "printed. If that is what you gave, somebody has changed it: take another backup."
        )
    try:
        return Whole(folder, _manifest(json.loads(data)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupUnusable(f"{file} is damaged: take another backup.") from error


def _manifest(told: dict[str, Any]) -> Manifest:
    if (kind := told.pop("format")) != FORMAT:
        raise BackupUnusable(f"the backup is {kind!r}, which a newer version of the program restores.")
    manifest = Manifest(**{**told, "tables": [TableFile(**table) for table in told["tables"]]})
    # They become parts of paths and of SQL, and whoever wrote the manifest may be anybody.
    names = [name for table in manifest.tables for name in (table.name, *table.columns)]
    if not MOMENTS.fullmatch(manifest.folder) or not all(map(NAMES.fullmatch, names)):
        raise ValueError("names that no backup has")
    return manifest


def line(values: Sequence[object]) -> bytes:
    """A row, or a blob of the index, as it is written."""
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def index(folder: Path, moment: str) -> Iterator[Blob]:
    """The blobs of a backup; of one that was cut short, those whose lines are whole."""
    with (folder / moment / INDEX).open() as lines:
        for line in lines:
            if line.endswith("\n"):
                yield Blob(*json.loads(line))


def known_blobs(folder: Path) -> dict[str, Blob]:
    """The blobs of the backups in the folder, whole or not, by key: their bytes may be there already."""
    moments = sorted(file.parent.name for file in folder.glob(f"*/{INDEX}"))
    return {blob.key: blob for moment in moments for blob in index(folder, moment)}


def is_whole(folder: Path, blob: Blob) -> bool:
    """Whether a blob's bytes are there, and are these."""
    file = blob_file(folder, blob.sha256)
    return file.is_file() and file.stat().st_size == blob.size and digest(file) == blob.sha256


def _remove_what_is_not_in(folder: Path, manifest: Manifest) -> None:
    for one in folder.iterdir():
        if MOMENTS.fullmatch(one.name) and one.name != manifest.folder:
            shutil.rmtree(one)
    named = {blob.sha256 for blob in index(folder, manifest.folder)}
    for file in (folder / BLOBS).glob("*/*"):
        if file.name not in named:
            file.unlink()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
