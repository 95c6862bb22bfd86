"""Subscribers over WebSocket, a process of their own: how many events each hears, and how long after."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.connection import Connection

from websockets.asyncio.client import ClientConnection, connect

QUERY = "subscription { predictionMade { prediction { id finding createdAt } } }"
AT_ONCE = 20
"""Sockets that are opened at the same time."""


@dataclass
class Heard:
    """Of all subscribers together."""

    first: float = 0.0
    last: float = 0.0
    delays: list[float] = field(default_factory=list)
    """Seconds from when a prediction was recorded until a subscriber had read it."""


def listen(pipe: Connection, sockets: list[tuple[str, str]]) -> None:
    """Open these sockets, (address, token), say so, and tell when asked what was heard since the last."""
    asyncio.run(_listen(pipe, sockets))


async def _listen(pipe: Connection, sockets: list[tuple[str, str]]) -> None:
    heard, gate = [Heard()], asyncio.Semaphore(AT_ONCE)
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:

        async def open_one(url: str, token: str) -> None:
            async with gate:
                socket = await stack.enter_async_context(
                    connect(url, subprotocols=["graphql-transport-ws"], compression=None, open_timeout=60)
                )
                payload = {"authorization": f"Bearer {token}"}
                await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
                assert json.loads(await socket.recv())["type"] == "connection_ack"
                await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": QUERY}}))
            readers.append(group.create_task(_read(socket, heard)))

        readers: list[asyncio.Task[None]] = []
        await asyncio.gather(*(open_one(url, token) for url, token in sockets))
        await asyncio.sleep(2)  # the protocol does not say when a subscription stands
        pipe.send("open")
        while await asyncio.to_thread(pipe.recv) != "end":
            pipe.send(heard[0])
            heard[0] = Heard()
        for reader in readers:
            reader.cancel()


async def _read(socket: ClientConnection, heard: list[Heard]) -> None:
    async for text in socket:
        message = json.loads(text)
        if message["type"] == "ping":
            await socket.send('{"type": "pong"}')
            continue
        now, all_of_them = time.time(), heard[0]
        assert message["type"] == "next", message
        made = datetime.fromisoformat(message["payload"]["data"]["predictionMade"]["prediction"]["createdAt"])
        all_of_them.first = all_of_them.first or now
        all_of_them.last = now
        all_of_them.delays.append(now - made.timestamp())
