"""Raw bytes for a real server: its parsers of HTTP and of sockets, and what lies behind them."""

from __future__ import annotations

import asyncio
import logging
import re
import struct
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path

from api.settings import Settings
from api.wiring import running
from services import tokens
from store.tables import TokenPurpose
from tests import stand_ins
from tests.fuzz.target import Try, Wrong
from tests.listening import listening
from tests.people import member

ANSWER_SECONDS = 0.03
SAYING = ("uvicorn.error", "asyncio")
"""What a server's errors are told to."""


@contextmanager
def server() -> Iterator[Try]:
    """The endpoint behind uvicorn, httptools and websockets, at a port of the loopback."""
    told = Told()
    for name in SAYING:
        logging.getLogger(name).addHandler(told)
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        stack = AsyncExitStack()

        async def begin() -> tuple[str, str]:
            settings = Settings(data_dir=Path(folder), points_per_minute=0, queue_limit=0)
            platform = await stack.enter_async_context(running(settings, stand_ins.parts()))
            address = await stack.enter_async_context(listening(platform, log_config=None))
            return address, await tokens.issue(await member(), TokenPurpose.SESSION)

        address, token = runner.run(begin())

        def taken(data: bytes) -> bool:
            said = runner.run(answered(address, data.replace(b"TOKEN", token.encode())))
            status = int(match[1]) if (match := re.match(rb"HTTP/1\.1 (\d{3}) ", said)) else 0
            if told.errors or status >= 500 or b'"INTERNAL"' in said:
                raise Wrong(f"{told.errors} {said!r}")
            return status in (101, 200)

        yield taken
        runner.run(stack.aclose())
    for name in SAYING:
        logging.getLogger(name).removeHandler(told)


class Told(logging.Handler):
    """What a server says of errors."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.errors: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.errors.append(record.getMessage())


async def answered(address: str, data: bytes) -> bytes:
    """What the server says within a moment, if anything, before the client hangs up."""
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    said = b""
    with suppress(OSError, TimeoutError):
        writer.write(data)
        async with asyncio.timeout(ANSWER_SECONDS):
            said = await reader.read(1 << 16)
            while b"101 Switching" in said and (more := await reader.read(1 << 16)):
                said += more
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return said


def requests() -> list[bytes]:
    """By GET and POST, of a program and of a page, and a socket with some frames."""
    query = b'{"query": "{ viewer { id } }"}'
    head = b"Host: here\r\nAccept: application/json\r\n"
    page = b"Origin: http://here\r\nSec-Fetch-Site: same-origin\r\nCookie: a=b; covidxr=TOKEN\r\n"
    length = b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(query)
    pieces = b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"%x\r\n" % len(query) + query + b"\r\n0\r\n\r\n"
    handshake = (
        b"GET /graphql HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n"
    )
    ask = b'{"id": "1", "type": "subscribe", "payload": {"query": "{ __typename }"}}'
    said = [b'{"type": "connection_init"}', b'{"type": "ping"}', ask]
    return [
        b"GET /graphql?query={__typename} HTTP/1.1\r\n" + head + b"Authorization: Bearer TOKEN\r\n\r\n",
        b"POST /graphql HTTP/1.1\r\n" + head + page + length + query,
        b"POST /graphql HTTP/1.1\r\n" + head + page + pieces + chunk,
        b"GET / HTTP/1.1\r\n" + head + b"\r\n",
        handshake + b"\r\n" + b"".join(map(framed, said)),
        handshake + page + b"\r\n" + framed(said[0]) + framed(b"", 0x89) + framed(b"\x03\xe8", 0x88),
    ]


def framed(data: bytes, kind: int = 0x81) -> bytes:
    """A frame of a client (RFC 6455, section 5.2), whose mask changes nothing."""
    length = bytes([0x80 | len(data)]) if len(data) < 126 else struct.pack(">BH", 0xFE, len(data))
    return bytes([kind]) + length + bytes(4) + data


HEADERS = [
    b"\r\n", b"\n", b"\0", b": ", b"Content-Length: 0\r\n", b"Content-Length: -1\r\n",
    b"Connection: close\r\n", b"Transfer-Encoding: x\r\n", b"Expect: 100-continue\r\n", b"HTTP/1.0",
    b"HTTP/2.0", b"Host: \xff\r\n", b"Cookie: covidxr=TOKEN\r\n", b"Cookie: covidxr=\r\n", b"\xa0covidxr=",
    b";;;=", b"Origin: null\r\n", b"Origin: http://[\r\n", b"Sec-Fetch-Site: none\r\n", b"%00", b"%ff",
    b"?query=", b"Sec-WebSocket-Extensions: permessage-deflate\r\n", b"X-Forwarded-For: x\r\n",
    b"\x81\xfe\xff\xff", b"\x00\x80\0\0\0\0", b"\xc1\x80\0\0\0\0",
]  # fmt: skip
