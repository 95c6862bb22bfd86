"""The blobs of a backup: what lies there, while everything goes on, and for certain what the rows name."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from itertools import chain
from pathlib import Path
from uuid import uuid4

from services import backup_files
from services.backup_files import INDEX, Blob, blob_file, created, line
from services.keys import FEATURES, HEATMAPS, PIXELS, THUMBNAILS, features_key, image_key, pixels_key
from store.blobs import BlobMissing, Blobs, Listed
from store.snapshot import Snapshot

AT_ONCE = 8
"""Blobs that are copied at the same time, a megabyte of each in memory."""
OF_IMAGES = (PIXELS, FEATURES, HEATMAPS, THUMBNAILS)

Follow = Callable[[int, int], None]
"""Called with how many of how many are done."""


class Copying:
    """Blobs on their way into the folder."""

    def __init__(self, blobs: Blobs, folder: Path, moment: str) -> None:
        self._blobs, self._folder, self._new = blobs, folder, folder / moment
        self._known = backup_files.known_blobs(folder)
        self._there = set[str]()
        self._named: list[Blob] = []
        self._images = set[str]()
        self.count = self.bytes = self.copied = 0

    async def copy_all(self, follow: Follow) -> None:
        """Copy what is there now, and write the index line by line: whoever comes after a crash goes on."""
        found = [blob async for some in self._blobs.list("") for blob in some]
        with created(self._new / INDEX) as index:
            for first in range(0, len(found), AT_ONCE):
                some = found[first : first + AT_ONCE]
                index.writelines(map(line, await self._there_of(map(self._copy, some))))
                index.flush()
                follow(first + len(some), len(found))

    async def copy_named(self, rows: Snapshot) -> set[str]:
        """Copy what the rows of a moment name and is not here yet; which of it is not there any more."""
        self._images = set()
        wanted = [key async for key in self._names(rows) if key not in self._there]
        for first in range(0, len(wanted), AT_ONCE):
            some = wanted[first : first + AT_ONCE]
            self._named += await self._there_of(self._take(key, None) for key in some)
        return set(wanted) - self._there

    def finish(self) -> None:
        """Write the index anew, without the blobs of images that those rows do not have."""
        whole = self._new / f"{INDEX}.new"
        with created(whole) as kept:
            for blob in self._belonging():
                kept.write(line(blob))
                self.count, self.bytes = self.count + 1, self.bytes + blob.size
        whole.replace(self._new / INDEX)

    async def _names(self, rows: Snapshot) -> AsyncIterator[str]:
        """What an older version of the tables names, too."""
        async for key, extractor in rows.values("image", "key", "features"):
            self._images.add(key)
            yield pixels_key(key)
            if extractor is not None:
                yield features_key(extractor, key)
        async for (key,) in rows.values("model_version", "key"):
            yield key

    def _belonging(self) -> Iterator[Blob]:
        for blob in chain(backup_files.index(self._folder, self._new.name), self._named):
            if blob.key.partition("/")[0] not in OF_IMAGES or image_key(blob.key) in self._images:
                yield blob

    async def _there_of(self, copying: Iterable[Coroutine[None, None, Blob | None]]) -> list[Blob]:
        blobs = [blob for blob in await asyncio.gather(*copying) if blob]
        self._there.update(blob.key for blob in blobs)
        return blobs

    async def _copy(self, listed: Listed) -> Blob | None:
        """The blob, once its bytes are there; None where it has gone meanwhile."""
        known = self._known.get(listed.key)
        if known is not None:
            is_there = await asyncio.to_thread(self._has, known, listed)
            if is_there:
                return known
        return await self._take(listed.key, listed.tag)

    def _has(self, known: Blob, listed: Listed) -> bool:
        """Whether an earlier backup has copied the blob as it is now, and its bytes are still these."""
        is_same = listed.tag is not None and (known.size, known.tag) == (listed.size, listed.tag)
        return is_same and backup_files.is_whole(self._folder, known)

    async def _take(self, key: str, tag: str | None) -> Blob | None:
        """Read a blob into a file that then gets the name of its hash; None where it is not there."""
        half, size, hashed = self._new / f"{uuid4().hex}.half", 0, hashlib.sha256()
        try:
            with await asyncio.to_thread(backup_files.opened, half) as new:
                async for some in self._blobs.read(key):
                    await asyncio.to_thread(new.write, some)
                    hashed.update(some)
                    size += len(some)
                await asyncio.to_thread(backup_files.keep, new)
        except BlobMissing:
            half.unlink()
            return None
        file = blob_file(self._folder, hashed.hexdigest())
        file.parent.mkdir(mode=0o700, exist_ok=True)
        half.replace(file)
        self.copied += 1
        return Blob(key, size, hashed.hexdigest(), tag)
