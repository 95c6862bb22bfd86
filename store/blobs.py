"""Blobs: pixels, features and model files in an object store, by key."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

import obstore
from obstore.exceptions import GenericError, NotFoundError, PermissionDeniedError, UnauthenticatedError
from obstore.store import LocalStore, ObjectStore, from_url

from store.disk import NO_RIGHT, NO_ROOM, DiskFull, NotWritable, settle

LISTED_AT_ONCE = 500
READ_AT_ONCE = 1 << 20
NOBODYS_KEY = "readiness"


class BlobMissing(KeyError):
    """No blob lies under the key."""


@dataclass(frozen=True)
class Listed:
    """A blob that is there, and when it was put. The tag is another one once another is put in its place."""

    key: str
    modified: datetime
    size: int
    tag: str | None


class Blobs:
    """An object store; what `put` has returned survives a crash of the machine."""

    def __init__(self, url: str) -> None:
        """Open the store at ``url``: ``file:///PATH`` or ``s3://BUCKET``."""
        self._folder: Path | None = None
        self._settled = set[str]()
        """Folders in there whose own entries have reached the disk."""
        self._store: ObjectStore
        if url.startswith("file://"):
            self._folder = Path(url.removeprefix("file://"))
            self._store = LocalStore(self._folder, mkdir=True)
        else:
            self._store = from_url(url)

    async def put(self, key: str, data: bytes) -> None:
        """Store ``data`` under ``key``, replacing what was there.

        Raises:
            NotKept: the folder has no room for it, or this user may not write there, or in the bucket.
        """
        with _told():
            await obstore.put_async(self._store, key, data)
        if self._folder is not None:
            # The store writes through a temporary file and a rename, but leaves both to the page cache.
            await asyncio.to_thread(self._settle, self._folder, key)

    def _settle(self, folder: Path, key: str) -> None:
        """The file and its folder; and, once, each folder above, of which it may be a new entry."""
        within, *above = map(str, PurePosixPath(key).parents)
        with suppress(FileNotFoundError):  # it was deleted at this very moment
            settle(folder / key)
        for name in (within, *(() if within in self._settled else above)):
            settle(folder / name)
        self._settled.add(within)

    async def get(self, key: str) -> bytes:
        """The bytes under ``key``.

        Raises:
            BlobMissing: nothing lies there.
        """
        try:
            result = await obstore.get_async(self._store, key)
            return bytes(await result.bytes_async())
        except (NotFoundError, FileNotFoundError) as error:
            raise BlobMissing(key) from error

    async def read(self, key: str) -> AsyncGenerator[bytes]:
        """The bytes under ``key``, some at a time.

        Raises:
            BlobMissing: nothing lies there.
        """
        try:
            result = await obstore.get_async(self._store, key)
            async for some in result.stream(min_chunk_size=READ_AT_ONCE):
                yield bytes(some)
        except (NotFoundError, FileNotFoundError) as error:
            raise BlobMissing(key) from error

    async def put_file(self, key: str, file: Path) -> None:
        """As `put`, of a file's bytes, however many."""
        with _told():
            await obstore.put_async(self._store, key, file)
        if self._folder is not None:
            await asyncio.to_thread(self._settle, self._folder, key)

    async def get_all(self, keys: Sequence[str]) -> list[bytes | None]:
        """The bytes under each key, None where nothing lies: of a folder, quicker than one by one."""
        if self._folder is not None:
            return await asyncio.to_thread(_read_all, self._folder, keys)
        return list(await asyncio.gather(*(self._get_or_none(key) for key in keys)))

    async def _get_or_none(self, key: str) -> bytes | None:
        try:
            return await self.get(key)
        except BlobMissing:
            return None

    async def check(self) -> None:
        """Ask whether the store answers, by what costs it least: that nothing lies under a key is an answer.

        Raises what the store raises; NotADirectoryError, where the folder is gone.
        """
        with suppress(NotFoundError, FileNotFoundError):
            await obstore.head_async(self._store, NOBODYS_KEY)
        if self._folder is not None and not await asyncio.to_thread(self._folder.is_dir):
            raise NotADirectoryError(str(self._folder))

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove blobs; one that is not there is as good as removed."""
        for key in keys:
            try:
                await obstore.delete_async(self._store, key)
            except (NotFoundError, FileNotFoundError):
                continue

    async def list(self, folder: str) -> AsyncGenerator[Sequence[Listed]]:
        """What lies in a folder and in those within it, some at a time and in no order."""
        async for found in obstore.list(self._store, folder, chunk_size=LISTED_AT_ONCE):
            yield [Listed(blob["path"], blob["last_modified"], blob["size"], blob["e_tag"]) for blob in found]

    async def remove_unfinished(self, before: datetime) -> None:
        """Remove what a process that died while it put a blob had written; only a local folder shows it."""
        if self._folder is not None:
            await asyncio.to_thread(_remove_unfinished, self._folder, before.timestamp())


@contextmanager
def _told() -> Iterator[None]:
    """What is said of what cannot be written: by the system of a file, by its server of a bucket."""
    try:
        yield
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise NotWritable(str(error).partition("\n")[0]) from error
    except GenericError as error:  # has the system's number in its words alone
        said = str(error).partition("\n")[0]
        for kind, numbers in ((DiskFull, NO_ROOM), (NotWritable, NO_RIGHT)):
            if any(f"(os error {number})" in said for number in numbers):
                raise kind(said) from error
        raise


def _read_all(folder: Path, keys: Sequence[str]) -> list[bytes | None]:
    return [_read_file(folder / key) for key in keys]


def _read_file(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        return None


def _remove_unfinished(folder: Path, before: float) -> None:
    # The store's own names for files under way, which it lets no key have: they end in "#" and a number.
    for file in folder.rglob("*#*[0-9]"):
        if not file.name.rpartition("#")[2].isdigit():
            continue
        with suppress(FileNotFoundError):  # finished at this moment
            if file.stat().st_mtime < before:
                file.unlink()
