"""Where image files are decoded: by processes of their own, so few that memory stays bounded, and once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from ml.image import Decoded
from services.keys import pixels_key
from store.blobs import Blobs
from store.tables import Image

T = TypeVar("T")

Read = Callable[[], Awaitable[bytes]]

THREADS = 2
"""Pictures decoded at the same time by a process; a lawful one may take some hundred megabytes."""
MOST_READ = 2 * THREADS
"""Files that are in memory to be decoded, of up to 32 MB each: the next ones are at hand."""
MOST_KEPT = 16
"""Pictures that were decoded to be checked and wait to be judged, of up to four megabytes each."""
KEPT_SECONDS = 60.0
"""Then another process has judged it, or it was deleted."""


@dataclass(frozen=True, eq=False)
class Inspected:
    """A file that is taken: which one it was, and the picture in it, which alone is kept."""

    sha256: str
    fingerprint: str
    size: int
    picture: bytes
    decoded: Decoded


class Decoder(Protocol):
    """Reads files of strangers and outlives them; its callers wait in threads of theirs."""

    def decode(self, owner: int, data: bytes) -> Decoded:
        """See `ml.image.decode`. Raises ImageError too where the file takes too much time or memory.

        What reads a file of this user's has read, and will read, files of no other.
        """

    def inspect(self, owner: int, data: bytes) -> Inspected:
        """What is kept of a file, and what the classifier needs of it. Raises ImageError as `decode` does."""

    def png(self, owner: int, data: bytes) -> list[bytes]:
        """The picture of a file that is kept as a PNG, in parts, which no decoder has written.

        Raises ImageError as `decode` does.
        """


class Decoding:
    """The threads that wait for decoders and work on pictures: nothing else, such as signing in, does."""

    def __init__(self, decoder: Decoder, blobs: Blobs) -> None:
        self._decoder, self._blobs = decoder, blobs
        self._room = asyncio.Semaphore(MOST_READ)
        self._threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="decoding")
        self._kept: dict[str, Decoded] = {}

    async def decode(self, image: Image) -> Decoded:
        """The picture of an image, read when it is its turn. Raises ImageError and BlobMissing."""
        async with self._room:
            data = await self._blobs.get(pixels_key(image.key))
            return await self.run(partial(self._decoder.decode, image.owner_id, data))

    async def png(self, image: Image) -> list[bytes]:
        """The picture of an image at its full size, as a PNG in parts. Raises ImageError and BlobMissing."""
        async with self._room:
            data = await self._blobs.get(pixels_key(image.key))
            return await self.run(partial(self._decoder.png, image.owner_id, data))

    async def inspect(self, owner: int, read: Read) -> Inspected:
        """What is kept of a user's file, read when it is its turn. Raises ImageError, or as ``read`` does."""
        async with self._room:
            return await self.run(partial(self._decoder.inspect, owner, await read()))

    async def run(self, work: Callable[[], T]) -> T:
        """What ``work`` returns, run in one of the threads when its turn has come."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def keep(self, key: str, decoded: Decoded) -> None:
        """Have a picture at hand for whoever judges it next, unless there are many."""
        if len(self._kept) < MOST_KEPT:
            self._kept[key] = decoded
            asyncio.get_running_loop().call_later(KEPT_SECONDS, self.take, key)

    def take(self, key: str) -> Decoded | None:
        """A picture that is kept, once."""
        return self._kept.pop(key, None)
