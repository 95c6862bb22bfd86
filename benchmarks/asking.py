"""Asks a server over HTTP/1.1 on loopback, by connections that are kept, each with one request under way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import cast

import numpy as np

CONNECTIONS = 8
END = b"\r\n\r\n"


@dataclass(frozen=True)
class Measured:
    """Of one question to one server."""

    per_second: float
    p50_ms: float
    p99_ms: float


class Connection(asyncio.Protocol):
    """Sends the next request as soon as its answer is there."""

    def __init__(self, requests: Iterator[bytes], seconds: list[float]) -> None:
        self._requests, self._seconds = requests, seconds
        self._received = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none of asyncio's classes
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(END)
        if end and len(body) >= _length(head):
            assert head.startswith(b"HTTP/1.1 200"), self._received
            assert b'"errors":[{' not in body, self._received
            self._seconds.append(perf_counter() - self._began)
            self._send()

    def _send(self) -> None:
        self._received = b""
        request = next(self._requests)
        self._began = perf_counter()
        self.transport.write(request)


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])


def request_to(port: int, body: bytes, headers: dict[str, str]) -> bytes:
    """A whole request to `/graphql`, as bytes; JSON where the headers name no other type."""
    fields = {
        "Host": f"127.0.0.1:{port}",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST /graphql HTTP/1.1\r\n{head}\r\n".encode() + body


async def ask(port: int, requests: Iterator[bytes], seconds: float) -> list[float]:
    """How long each answer took, of all that came within these seconds.

    Raises:
        ConnectionError: a connection has ended; what was wrong with an answer is in the log.
    """
    taken: list[float] = []
    loop = asyncio.get_running_loop()
    connections = [
        await loop.create_connection(lambda: Connection(requests, taken), "127.0.0.1", port)
        for _ in range(CONNECTIONS)
    ]
    await asyncio.sleep(seconds)
    if any(transport.is_closing() for transport, _ in connections):
        raise ConnectionError(f"the server on port {port} has hung up, or answered with an error")
    for transport, _ in connections:
        transport.abort()
    return taken


async def measure(port: int, requests: Iterator[bytes], seconds: float) -> Measured:
    """After a warm-up of a quarter as long."""
    await ask(port, requests, seconds / 4)
    taken = await ask(port, requests, seconds)
    p50, p99 = np.percentile(taken, [50, 99]) * 1000
    return Measured(len(taken) / seconds, float(p50), float(p99))
