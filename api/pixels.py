"""Serves the pixels of an image, in full or small, and its heatmaps, at addresses signed for one session."""

from __future__ import annotations

from asyncio import timeout
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from api.session_cookie import kept_in
from api.turns import Turns
from ml.image import ImageError, Reason
from services.heatmaps import CannotDraw
from services.links import Asked
from services.platform import Platform

MAX_DIGITS = 18
"""No row has a longer number; Python refuses to read very long ones, with an error."""
MADE_AT_ONCE: Final = 1
"""Pictures in full, of huge ones for seconds: other decoders go on with films, and viewers take turns."""
AT_ONCE: Final = 8
"""Of them that are made or on their way; others wait. Until it is read each is in memory (`ml.full_size`)."""
OF_ONE: Final = 2
"""One viewer's."""
READING_SECONDS: Final = 120
"""For one, from its first byte to its last: who reads on and on, little by little, keeps others waiting."""
SENT_AT_ONCE: Final = 1 << 18
HEADERS = {
    "Cache-Control": "private, max-age=600",
    "Content-Disposition": "inline",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


DAMAGED = (
    "This picture is damaged where it is kept: whoever runs the platform can put it back from a backup.\n"
)
EXPIRED = "This address is not whole, or has expired: ask for the {}'s url again.\n"


class InFull:
    """The picture with all its pixels, as a PNG of ours."""

    def __init__(self) -> None:
        self._making = Turns(MADE_AT_ONCE, MADE_AT_ONCE)
        self._turns = Turns(AT_ONCE, OF_ONE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        platform: Platform = request.app.state.platform
        address = signed(request)
        asker = platform.pictures.asker(address) if address else None
        if address is None or asker is None:  # before a turn is taken, which would be one of whom it names
            await _no_such()(scope, receive, send)
            return
        async with self._turns.turn(asker):
            async with self._making.turn(asker):
                if await request.is_disconnected():  # while it waited
                    return
                response = await _in_full(platform, address)
            with suppress(TimeoutError):  # the connection is closed then
                async with timeout(READING_SECONDS):
                    await response(scope, receive, send)


def _no_such() -> Response:
    return PlainTextResponse(EXPIRED.format("image"), status_code=404)


async def _in_full(platform: Platform, address: Asked) -> Response:
    try:
        parts = await platform.pictures.png(address)
    except ImageError as error:
        if error.reason is Reason.TOO_LARGE:
            return PlainTextResponse(f"{error}\n", status_code=413)
        return PlainTextResponse(DAMAGED, status_code=500)
    if parts is None:
        return _no_such()
    length = {"Content-Length": str(sum(map(len, parts)))}
    return StreamingResponse(_sent(parts), media_type="image/png", headers=HEADERS | length)


async def _sent(parts: list[bytes]) -> AsyncIterator[bytes]:
    """A little at a time: what has been handed over counts as read, and its turn as over."""
    for part in parts:
        for at in range(0, len(part), SENT_AT_ONCE):
            yield part[at : at + SENT_AT_ONCE]


async def thumbnail(request: Request) -> Response:
    """The picture in small, as a JPEG."""
    platform: Platform = request.app.state.platform
    address = signed(request)
    try:
        data = await platform.thumbnails.jpeg(address) if address else None
    except ImageError:
        return PlainTextResponse(DAMAGED, status_code=500)
    if data is None:
        return PlainTextResponse(EXPIRED.format("image"), status_code=404)
    return Response(data, media_type="image/jpeg", headers=HEADERS)


async def heatmap(request: Request) -> Response:
    """The picture with the heat of a prediction over it; 503 with the reason where it cannot be drawn."""
    platform: Platform = request.app.state.platform
    address = signed(request)
    try:
        data = await platform.heatmaps.png(address) if address else None
    except CannotDraw as error:
        return PlainTextResponse(f"This heatmap cannot be drawn: {error}.\n", status_code=503)
    except ImageError:
        return PlainTextResponse(DAMAGED, status_code=500)
    if data is None:
        return PlainTextResponse(EXPIRED.format("heatmap"), status_code=404)
    return Response(data, media_type="image/png", headers=HEADERS)


def signed(request: Request) -> Asked | None:
    """What the address says; None where it names nothing."""
    text = request.path_params["number"]
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
        return None
    return Asked.of(int(text), request.query_params, kept_in(request))


def routes() -> list[Route]:
    """The three kinds of addresses."""
    return [
        Route("/images/{number}", InFull(), methods=["GET"]),
        Route("/thumbnails/{number}", thumbnail),
        Route("/heatmaps/{number}", heatmap),
    ]
