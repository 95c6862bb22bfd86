"""A bucket whose server fails now and then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from obstore.exceptions import BaseError

from store.blobs import Blobs
from store.disk import NotWritable
from tests.buckets import S3Server

EMPTY = b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
BUSY = b"HTTP/1.1 503 Slow Down" + EMPTY


class Moody:
    """In front of a server: refuses so many requests, and passes the others on, one a connection."""

    def __init__(self, behind: int) -> None:
        self.answer = BUSY
        self.refusals = 0
        self.refused = 0
        self._behind = behind

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refused < self.refusals:
            self.refused += 1
            await reader.readuntil(b"\r\n\r\n")
            writer.write(self.answer)
            await writer.drain()
            writer.close()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self._behind)
        await asyncio.gather(_pipe(reader, back), _pipe(there, writer))


async def _pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()
    sink.close()


@asynccontextmanager
async def moody(server: S3Server) -> AsyncIterator[tuple[Moody, int]]:
    """Such a one, and its port."""
    one = Moody(server.port)
    listener = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    async with listener:
        yield one, listener.sockets[0].getsockname()[1]


@pytest.fixture
async def between(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Moody]:
    async with moody(s3) as (one, port):
        for name, value in (s3.environment | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}).items():
            monkeypatch.setenv(name, value)
        yield one


@pytest.fixture
def blobs(s3: S3Server, between: Moody) -> Blobs:
    return Blobs(s3.make_bucket())


async def test_a_busy_store_is_asked_again(blobs: Blobs, between: Moody) -> None:
    between.refusals = 3
    await blobs.put("key", b"kept")
    between.refusals += 2
    assert await blobs.get("key") == b"kept"
    assert between.refused == 5
    between.refusals = 10**6
    with pytest.raises((BaseError, TimeoutError)):
        async with asyncio.timeout(5):
            await blobs.get("key")
    assert between.refused > 5


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
async def test_a_store_that_lets_us_write_no_more_says_so(blobs: Blobs, between: Moody, status: str) -> None:
    """As where a key has been revoked, or a policy changed: the request is one to come back with."""
    await blobs.put("key", b"kept")
    between.answer, between.refusals = f"HTTP/1.1 {status}".encode() + EMPTY, 1
    with pytest.raises(NotWritable):
        await blobs.put("other", b"lost")
    assert await blobs.get("key") == b"kept"
