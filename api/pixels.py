"""Serves the pixels of an image, in full or small, and its heatmaps, at addresses signed for one session."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from api.session_cookie import kept_in
from ml.image import ImageError
from services.heatmaps import CannotDraw
from services.links import Asked
from services.platform import Platform

MAX_DIGITS = 18
"""No row has a longer number; Python refuses to read very long ones, with an error."""
HEADERS = {
    "Cache-Control": "private, max-age=600",
    "Content-Disposition": "inline",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


DAMAGED = (
    "This picture is damaged where it is kept: whoever runs the platform can put it back from a backup.\n"
)
EXPIRED = "This address has expired: ask for the {}'s url again.\n"


async def pixels(request: Request) -> Response:
    """The picture as it is kept: in a format that browsers show, and without anything else of its file."""
    platform: Platform = request.app.state.platform
    address = signed(request)
    found = await platform.images.pixels(address) if address else None
    if found is None:
        return PlainTextResponse(EXPIRED.format("image"), status_code=404)
    image, data = found
    return Response(data, media_type=image.media_type, headers=HEADERS)


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
        Route("/images/{number}", pixels),
        Route("/thumbnails/{number}", thumbnail),
        Route("/heatmaps/{number}", heatmap),
    ]
