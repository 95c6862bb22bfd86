"""Subscribers that take up their subscription again behind the last event whenever it breaks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from events.log import decode_cursor, encode_cursor
from tests.live import IN_THE_CLEAR, Live
from tests.torture.story import Heard

PAUSE_SECONDS = 0.1
SILENT_SECONDS = 60.0
PROTOCOL = Subprotocol("graphql-transport-ws")


class Unavailable(Exception):
    """The server cannot serve now: its database is away, say, or it ends."""


# What a client sees of a server that dies or is not there yet.
Gone = (httpx.TransportError, OSError, WebSocketException, asyncio.IncompleteReadError, Unavailable)

Event = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """A subscription: what is asked of each event, and what it told in words."""

    field: str
    fields: str
    told: Callable[[Event], str]

    @property
    def query(self) -> str:
        return f"subscription($after: Cursor) {{ {self.field}(after: $after) {{ cursor {self.fields} }} }}"


KINDS: Mapping[str, Kind] = {
    "PredictionMade": Kind("predictionMade", "prediction { id }", lambda event: event["prediction"]["id"]),
    "FindingChanged": Kind(
        "findingChanged",
        "change { prediction { id } previous { id } }",
        lambda event: f"{event['change']['prediction']['id']} after {event['change']['previous']['id']}",
    ),
    "TrainingProgressed": Kind(
        "trainingProgress",
        "run { id state epoch }",
        lambda event: "{id} {state} {epoch}".format(**event["run"]),
    ),
    "ModelPromoted": Kind(
        "modelPromoted",
        "model { id } previous { id }",
        lambda event: f"{event['model']['id']} after {event['previous']['id']}",
    ),
}
"""By the event's name in the log."""


async def listen_for_ever(
    admin: Live, kind: Kind, heard: Heard, over: Callable[..., AsyncGenerator[Event]], pause: float
) -> None:
    """Events behind the last one heard, taken up again whenever the way they come breaks."""
    while True:
        with suppress(*Gone):
            after = encode_cursor(heard[-1][0] if heard else 0)
            async with aclosing(over(admin, kind.query, after)) as payloads:
                async for payload in payloads:
                    _check(payload.get("errors", []))
                    event = payload["data"][kind.field]
                    heard.append((decode_cursor(event["cursor"]), kind.told(event)))
                    await asyncio.sleep(pause)
        await asyncio.sleep(PAUSE_SECONDS)


def _check(errors: list[dict[str, Any]]) -> None:
    """Raises Unavailable where trying again is what the server asks for."""
    if errors and {error["extensions"]["code"] for error in errors} <= {"UNAVAILABLE", "RESTARTING"}:
        raise Unavailable
    assert not errors, errors


async def over_socket(admin: Live, query: str, after: str) -> AsyncGenerator[Event]:
    """The payloads of a subscription over graphql-transport-ws."""
    async with connect(admin.url.replace("http", "ws"), subprotocols=[PROTOCOL]) as socket:
        authorization = {"authorization": f"Bearer {admin.token}"}
        await socket.send(json.dumps({"type": "connection_init", "payload": authorization}))
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        payload = {"query": query, "variables": {"after": after}}
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        async for text in socket:
            message = json.loads(text)
            if message["type"] == "ping":
                await socket.send('{"type": "pong"}')
                continue
            if message["type"] == "error":
                _check(message["payload"])
            assert message["type"] == "next", message
            yield message["payload"]


async def over_stream(admin: Live, query: str, after: str) -> AsyncGenerator[Event]:
    """The payloads of a subscription as server-sent events."""
    headers = {"Accept": "text/event-stream", **admin.headers}
    body = {"query": query, "variables": {"after": after}}
    async with (
        httpx.AsyncClient(timeout=SILENT_SECONDS, verify=IN_THE_CLEAR) as client,
        client.stream("POST", admin.url, json=body, headers=headers) as response,
    ):
        if response.status_code == 503:
            raise Unavailable
        async for line in response.aiter_lines():
            if line.startswith("data: {"):
                yield json.loads(line.removeprefix("data: "))
