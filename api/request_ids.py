"""Gives each request the id by which it is followed through logs, events and traces."""

from __future__ import annotations

import re
from contextlib import nullcontext
from ipaddress import ip_address, ip_network
from secrets import token_hex

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services import tracing
from services.following import REQUEST, followed

HEADER = "X-Request-Id"
WELL_FORMED = re.compile(r"[\w.-]{8,64}", re.ASCII)
LOOKS = {"/healthz", "/readyz", "/metrics"}
ANSWERS = {"http.response.start", "websocket.accept", "websocket.http.response.start"}


class RequestIds:
    """Takes a well-formed `X-Request-Id` of a trusted proxy, else makes an id; the answer has it, too.

    Args:
        trusted: addresses or networks, with commas between them.
    """

    def __init__(self, app: ASGIApp, trusted: str = "") -> None:
        self._app = app
        self._trusted = [ip_network(one.strip()) for one in trusted.split(",")] if trusted else []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        request_id = self._given(scope) or token_hex(16)

        async def answer(message: Message) -> None:
            if message["type"] in ANSWERS:
                message.setdefault("headers", [])
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)
            if message["type"] == "http.response.start":
                tracing.tell(status=message["status"])

        with followed({REQUEST: request_id}), self._span(scope):
            await self._app(scope, receive, answer)

    def _span(self, scope: Scope) -> tracing.Span:
        """Of what is asked; a socket lives too long for one, and what looks after us is no request."""
        if scope["type"] != "http" or scope["path"] in LOOKS:
            return nullcontext()
        parent = Headers(scope=scope).get(tracing.PARENT) if self._is_trusted(scope) else None
        return tracing.span(scope["method"], "server", parent)

    def _given(self, scope: Scope) -> str | None:
        given = Headers(scope=scope).get(HEADER, "")
        return given if WELL_FORMED.fullmatch(given) and self._is_trusted(scope) else None

    def _is_trusted(self, scope: Scope) -> bool:
        if not self._trusted:
            return False
        try:
            peer = ip_address(scope["client"][0])
        except (TypeError, ValueError):  # of a test, or of a socket that is a file
            return False
        return any(peer in network for network in self._trusted)
