"""A real server in the test's own process, and clients of its sockets and streams."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from websockets.asyncio.client import ClientConnection, connect

from services.platform import Platform
from store.tables import OutboxEvent
from tests.asking import Asker, application
from tests.stand_ins import picture

SECONDS = 10
"""How long anything may take."""
SEND_BUFFER_BYTES = 16_384
"""Small, so that a client that does not read is noticed after little."""

PREDICTIONS = """subscription($after: Cursor) { predictionMade(after: $after) { cursor prediction {
  finding model { number } image { filename predictionState uploadedBy { name } } } } }"""
NEWS = (
    "subscription($after: Cursor) { newsPublished(after: $after) { cursor post { title author { name } } } }"
)


@asynccontextmanager
async def listening(
    platform: Platform, endpoint: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[str]:
    """The address of a server on a free port of the loopback, with options of the endpoint and of uvicorn."""
    app = application(platform, **(endpoint or {}))
    config = uvicorn.Config(app, log_level="error", lifespan="off", ws_max_size=1 << 20, **options)
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        listener.bind(("127.0.0.1", 0))
        serving = asyncio.create_task(server.serve([listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


@dataclass
class Socket:
    """A graphql-transport-ws client that keeps what was said of other operations for later."""

    connection: ClientConnection
    _kept: list[dict[str, Any]] = field(default_factory=list)

    async def send(self, message: object) -> None:
        await self.connection.send(message if isinstance(message, str | bytes) else json.dumps(message))

    async def receive(self) -> dict[str, Any]:
        """The next message, whatever it is of."""
        async with asyncio.timeout(SECONDS):
            text = await self.connection.recv()
        assert isinstance(text, str), "frames are text"
        message: dict[str, Any] = json.loads(text)
        return message

    async def of(self, operation: str) -> dict[str, Any]:
        """The next message of one operation."""
        for message in self._kept:
            if message.get("id") == operation:
                self._kept.remove(message)
                return message
        while (message := await self.receive()).get("id") != operation:
            self._kept.append(message)
        return message

    async def subscribe(self, query: str, operation: str = "1", **variables: Any) -> None:
        payload = {"query": query, "variables": variables}
        await self.send({"id": operation, "type": "subscribe", "payload": payload})

    async def settle(self) -> None:
        """Give what was sent before the time to begin: the protocol does not tell when it has."""
        for _ in range(3):
            await self.subscribe("{ news { totalCount nodes { id } } }", "settle")
            assert (await self.of("settle"))["type"] == "next"
            assert (await self.of("settle"))["type"] == "complete"

    async def event(self, operation: str = "1") -> Any:
        """The one root field of the next event."""
        message = await self.of(operation)
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        (only,) = message["payload"]["data"].values()
        return only

    async def ends(self, operation: str = "1") -> tuple[str, str]:
        """How an operation fails: the type of the message, and the code. Nothing follows."""
        message = await self.of(operation)
        if message["type"] == "next":
            assert message["payload"]["data"] is None
            assert (await self.of(operation))["type"] == "complete"
            return "next", message["payload"]["errors"][0]["extensions"]["code"]
        assert message["type"] == "error", message
        return "error", message["payload"][0]["extensions"]["code"]

    async def closes(self) -> tuple[int, str]:
        """The code and reason with which the server closes."""
        async with asyncio.timeout(SECONDS):
            await self.connection.wait_closed()
        assert self.connection.close_code is not None
        return self.connection.close_code, self.connection.close_reason or ""


@asynccontextmanager
async def opened(address: str, *protocols: str, **headers: str) -> AsyncIterator[Socket]:
    """A socket before connection_init."""
    names: Any = protocols or ("graphql-transport-ws",)
    # Without a bound: who hangs up with 16 messages unread would wait for ten seconds, and answer no ping.
    async with connect(
        f"ws://{address}/graphql", subprotocols=names, additional_headers=headers, max_queue=None
    ) as connection:
        yield Socket(connection)


@asynccontextmanager
async def joined(address: str, token: str | None = None) -> AsyncIterator[Socket]:
    """A socket after connection_ack."""
    async with opened(address) as client:
        payload = {"authorization": f"Bearer {token}"} if token else {}
        await client.send({"type": "connection_init", "payload": payload})
        assert await client.receive() == {"type": "connection_ack"}
        yield client


async def publish(admin: Asker, *titles: str) -> None:
    for title in titles:
        await admin.mutate("publishNews", "post { id }", title=title, body="b")


async def nothing_waits() -> bool:
    """Whether all that was committed has been published too."""
    return not await OutboxEvent.exists()


async def upload(asker: Asker, seed: int, brightness: float = 0.9) -> None:
    await asker.upload([(f"{seed}.png", picture(seed, brightness))], "id", waitSeconds=10)


async def listen(client: Socket, query: str, operation: str = "1", **variables: Any) -> None:
    await client.subscribe(query, operation, **variables)
    await client.settle()
