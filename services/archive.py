"""A zip file that goes out as it is written, so that none is ever held whole."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

MEDIA_TYPE = "application/zip"
FILE_MODE = 0o600 << 16


class Archive:
    """Members are added one after the other; `taken` hands out what is written and forgets it.

    Compressing and checking go on in a thread, so that nobody else waits for them.
    """

    def __init__(self) -> None:
        self._written = _Pipe()
        self._zip = ZipFile(self._written, "w")
        self._now = datetime.now(UTC).timetuple()[:6]

    async def add(self, name: str, data: bytes, compress: bool = True) -> bytes:
        """Add a file, and take what is written."""
        await asyncio.to_thread(self._zip.writestr, self._member(name, compress), data)
        return self._written.take()

    async def add_json(self, name: str, rows: AsyncIterator[Any]) -> AsyncIterator[bytes]:
        """Add a list of rows as they come, a line each."""
        with self._zip.open(self._member(name, compress=True), "w") as file:
            before = b"[\n"
            async for row in rows:
                line = json.dumps(row, ensure_ascii=False, indent=1).encode()
                await asyncio.to_thread(file.write, before + line)
                before = b",\n"
                if taken := self._written.take():
                    yield taken
            await asyncio.to_thread(file.write, b"\n]\n" if before == b",\n" else b"[]\n")
        yield self._written.take()

    def end(self) -> bytes:
        """The list of all members, with which the file is whole."""
        self._zip.close()
        return self._written.take()

    def _member(self, name: str, compress: bool) -> ZipInfo:
        member = ZipInfo(name, self._now)
        member.compress_type = ZIP_DEFLATED if compress else ZIP_STORED
        member.external_attr = FILE_MODE
        return member


class _Pipe:
    """What a zip file is written to where nothing can be gone back to: sizes follow behind each member."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def take(self) -> bytes:
        taken, self._parts = b"".join(self._parts), []
        return taken
