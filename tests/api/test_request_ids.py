"""Ids of requests: whose are believed, and that the answer has them."""

from __future__ import annotations

import pytest
from starlette.types import Message, Receive, Scope, Send

from api.request_ids import RequestIds
from services.following import ids

PROXY = "10.0.0.7"


async def heard(given: str | None, peer: str | None, kind: str = "http") -> tuple[str, str]:
    """The id that holds while a request is answered, and the one in its answer."""
    held, answered = "", ""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal held
        held = ids()["request_id"]
        begins: Message = {"type": "http.response.start", "status": 200}
        await send(begins if kind == "http" else {"type": "websocket.accept"})
        await send({"type": "http.response.body" if kind == "http" else "websocket.send"})

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        nonlocal answered
        answered += dict(message.get("headers", [])).get(b"x-request-id", b"").decode()

    headers = [(b"x-request-id", given.encode())] if given else []
    client = (peer, 1) if peer else None
    scope = {"type": kind, "method": "GET", "path": "/", "headers": headers, "client": client}
    await RequestIds(application, f"{PROXY}, 192.168.0.0/16")(scope, receive, send)
    assert "request_id" not in ids()
    return held, answered


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize("peer", [PROXY, "192.168.3.4"])
async def test_a_proxy_s_own_is_taken(peer: str, kind: str) -> None:
    assert await heard("0123abcd-4567", peer, kind) == ("0123abcd-4567", "0123abcd-4567")


@pytest.mark.parametrize(
    ("given", "peer"),
    [
        (None, PROXY),
        ("0123abcd-4567", "10.0.0.8"),
        ("0123abcd-4567", None),
        ("short", PROXY),
        ("x" * 65, PROXY),
        ("two words", PROXY),
        ('"},"level":"', PROXY),
    ],
)
async def test_any_other_is_made_anew(given: str | None, peer: str | None) -> None:
    held, answered = await heard(given, peer)
    assert held == answered != given
    assert len(held) == 32
    assert held != (await heard(given, peer))[0]
