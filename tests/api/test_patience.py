"""A client that does not read or ask is let go, and one that is slow hears why."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import httpx
import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from api.patience import (
    ADJOURNMENT,
    ENDLESS,
    FAREWELL,
    PIPELINED,
    REPLY_SECONDS,
    TOO_SLOW,
    PatientHttp,
    PatientSocket,
)

MESSAGE = "x" * 10_000
WITHOUT_END = 10**6
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


class ImpatientSocket(PatientSocket):
    unread_seconds = 0.3
    farewell_seconds = 3


class ImpatientHttp(PatientHttp):
    head_seconds = 1
    unread_seconds = 0.3
    farewell_seconds = 3


class Talker:
    """Sends messages for as long as somebody takes them, over a socket or as a stream."""

    def __init__(self, messages: int) -> None:
        self.messages = messages
        self.sent = 0
        self.ended = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        talk = self._over_socket if scope["type"] == "websocket" else self._as_stream
        scope["state"] |= {FAREWELL: b"farewell", ADJOURNMENT: b"adjourned", ENDLESS: lambda: True}
        talking = asyncio.create_task(talk(send))
        try:
            await asyncio.wait(
                [talking, listening := asyncio.create_task(receive())], return_when="FIRST_COMPLETED"
            )
            if talking.done():
                await listening
        finally:
            talking.cancel()
            self.ended.set()

    async def _over_socket(self, send: Any) -> None:
        await send({"type": "websocket.accept"})
        while self.sent < self.messages:
            await send({"type": "websocket.send", "text": MESSAGE})
            self.sent += 1

    async def _as_stream(self, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while self.sent < self.messages:
            await send({"type": "http.response.body", "body": MESSAGE.encode(), "more_body": True})
            self.sent += 1
            await asyncio.sleep(0)  # uvicorn takes what it sends to nobody without a pause


async def answering(_: Any, receive: Any, send: Any) -> None:
    """Takes a request as it comes, and answers."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[tuple[str, int]]:
    config = uvicorn.Config(app, log_level="critical", http=ImpatientHttp, ws=ImpatientSocket, lifespan="off")
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


@pytest.mark.parametrize("greeting", [HANDSHAKE, REQUEST], ids=["socket", "stream"])
async def test_a_client_that_never_reads_is_let_go_and_costs_little(greeting: bytes) -> None:
    talker = Talker(WITHOUT_END)
    async with served(talker) as address:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(address)
            client.sendall(greeting)
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
    talker = Talker(WITHOUT_END)
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
        await asyncio.sleep(2 * ImpatientSocket.unread_seconds)
        await client.ping()
        assert not talker.ended.is_set()


async def test_a_slow_reader_of_a_stream_gets_what_was_sent_and_the_farewell() -> None:
    talker = Talker(WITHOUT_END)
    async with (
        served(talker) as (host, port),
        httpx.AsyncClient(timeout=10) as client,
        client.stream("GET", f"http://{host}:{port}") as response,
    ):
        await talker.ended.wait()
        heard = (await response.aread()).decode()
    read = heard.count(MESSAGE)
    assert heard == MESSAGE * read + "farewell"
    assert 0 < read <= talker.sent


async def test_whoever_reads_slowly_but_surely_is_not_cut_off() -> None:
    """The buffer is full all the while, and less and less of what it held is left."""
    talker = Talker(60)
    async with served(talker) as address:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(address)
            client.sendall(REQUEST)
            client.setblocking(False)
            heard = 0
            async with asyncio.timeout(60):
                while heard < talker.messages * len(MESSAGE):
                    heard += len(await asyncio.get_running_loop().sock_recv(client, 20_000))
                    await asyncio.sleep(ImpatientHttp.unread_seconds / 10)
            assert not talker.ended.is_set()


async def test_a_server_that_ends_waits_shortly_for_whoever_does_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ImpatientHttp, "unread_seconds", 60)
    talker = Talker(WITHOUT_END)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        async with asyncio.timeout(10 * REPLY_SECONDS):
            async with served(talker) as address:
                client.connect(address)
                client.sendall(REQUEST)
                sent = -1
                while sent != talker.sent or not sent:
                    sent = talker.sent
                    await asyncio.sleep(0.2)
                began = time.monotonic()
            assert time.monotonic() - began < 2 * REPLY_SECONDS
        assert talker.ended.is_set()


async def test_a_stream_that_was_cut_off_is_ended_once_though_the_server_ends_meanwhile() -> None:
    talker = Talker(WITHOUT_END)
    async with asyncio.timeout(20), AsyncExitStack() as server:
        reader, writer = await asyncio.open_connection(*await server.enter_async_context(served(talker)))
        writer.write(REQUEST)
        await talker.ended.wait()
        stopping = asyncio.create_task(server.pop_all().aclose())
        await asyncio.sleep(0.3)
        heard = await reader.read(-1)
        writer.close()
        await stopping
    assert heard.endswith(b"\r\n8\r\nfarewell\r\n0\r\n\r\n")
    assert b"adjourned" not in heard


# ------------------------------------------------------------------ requests without end


ENDLESS_HEADS = {
    "address": (b"GET /", b"x" * 10_000),
    "header": (b"GET / HTTP/1.1\r\nX: ", b"x" * 10_000),
    "headers": (b"GET / HTTP/1.1\r\n", b"X: " + b"x" * 10_000 + b"\r\n"),
    "trailers": (
        b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n",
        b"X: " + b"x" * 10_000 + b"\r\n",
    ),
}


@pytest.mark.parametrize("head", ENDLESS_HEADS)
async def test_headers_have_an_end(head: str) -> None:
    begin, more = ENDLESS_HEADS[head]
    async with served(answering) as (host, port):
        _, writer = await asyncio.open_connection(host, port)
        writer.write(begin)
        sent = await asyncio.wait_for(sent_until_closed(writer, more), 20)
        writer.close()
    assert sent < 10_000_000


async def sent_until_closed(writer: asyncio.StreamWriter, more: bytes) -> int:
    """How many bytes went before the other side had had enough."""
    sent = 0
    with suppress(ConnectionError):
        while True:
            writer.write(more)
            await writer.drain()
            sent += len(more)
            await asyncio.sleep(0.005)
    return sent


async def test_a_long_body_is_no_head() -> None:
    chunk = b"186a0\r\n" + b"x" * 100_000 + b"\r\n"
    async with served(answering) as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(10):
            writer.write(chunk)
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()


@pytest.mark.parametrize("before", [b"", REQUEST])
@pytest.mark.parametrize("head", [b"", b"GET / HTTP/1.1\r\nX: "])
async def test_nobody_holds_a_connection_without_asking(before: bytes, head: bytes) -> None:
    async with served(answering) as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(before)
        if before:
            await reader.readuntil(b"ok")
        writer.write(head)
        async with asyncio.timeout(10):
            assert await reader.read() == b""
        writer.close()


async def answers_to(address: tuple[str, int], count: int) -> bytes:
    """What comes back of so many requests that are sent before any answer is read, in a second."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(REQUEST * count)
    answers = b""
    with suppress(TimeoutError):
        async with asyncio.timeout(1):
            while some := await reader.read(65536):
                answers += some
    writer.close()
    return answers


async def test_some_requests_at_once_are_answered_and_who_sends_many_is_let_go() -> None:
    async with served(answering) as address:
        assert (await answers_to(address, 1 + PIPELINED)).count(b"HTTP/1.1 200") == 1 + PIPELINED
        many = await answers_to(address, 1000)
    assert many.count(b"HTTP/1.1 200") <= 1 + PIPELINED
    assert many.endswith(b"Invalid HTTP request received.")
