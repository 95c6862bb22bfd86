"""A client that does not read is let go, and one that is slow hears why."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from api.patience import TOO_SLOW, PatientProtocol

MESSAGE = "x" * 10_000
ENDLESS = 10**6
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Impatient(PatientProtocol):
    full_seconds = 0.3
    farewell_seconds = 0.5


class Talker:
    """Sends messages for as long as somebody takes them."""

    def __init__(self, messages: int) -> None:
        self.messages = messages
        self.sent = 0
        self.ended = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        try:
            while self.sent < self.messages:
                await send({"type": "websocket.send", "text": MESSAGE})
                self.sent += 1
            await receive()
        finally:
            self.ended.set()


@asynccontextmanager
async def served(talker: Talker) -> AsyncIterator[tuple[str, int]]:
    config = uvicorn.Config(talker, log_level="critical", ws=Impatient, lifespan="off")
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        # Small on both sides, so that a few messages fill them.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        task = asyncio.create_task(server.serve([listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        yield listener.getsockname()
        server.should_exit = True
        await task


async def test_a_client_that_never_reads_is_let_go_and_costs_little() -> None:
    talker = Talker(ENDLESS)
    async with served(talker) as address:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(address)
            client.sendall(HANDSHAKE)
            async with asyncio.timeout(20):
                await talker.ended.wait()
                await until_reset(client)
    assert talker.sent * len(MESSAGE) < 1_000_000


async def until_reset(client: socket.socket) -> None:
    """Its peer has gone; nothing is read, so that it cannot be the reading that freed the server."""
    while client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
        await asyncio.sleep(0.05)
        try:
            client.sendall(b"\x8a\x80\0\0\0\0")  # an unasked-for pong
        except OSError:
            return


async def unread(client: ClientConnection) -> AsyncIterator[str | bytes]:
    with suppress(ConnectionClosed):
        while True:
            yield await client.recv()


async def test_a_slow_client_reads_what_was_sent_and_then_why_it_was_cut_off() -> None:
    talker = Talker(ENDLESS)
    async with served(talker) as (host, port), connect(f"ws://{host}:{port}", max_queue=1) as client:
        await talker.ended.wait()
        heard = [message async for message in unread(client)]
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
    assert heard == [MESSAGE] * talker.sent
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == TOO_SLOW
    assert "after" in closed.value.rcvd.reason


async def test_a_client_that_reads_is_left_alone() -> None:
    talker = Talker(300)
    async with served(talker) as (host, port), connect(f"ws://{host}:{port}") as client:
        for _ in range(talker.messages):
            assert await client.recv() == MESSAGE
        await asyncio.sleep(2 * Impatient.full_seconds)
        await client.ping()
        assert not talker.ended.is_set()
