"""Serves the pixels of an image to whoever holds a signed address of it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from services.platform import Platform

MAX_DIGITS = 18
"""No image has a longer number; Python refuses to read very long ones, with an error."""
HEADERS = {
    "Cache-Control": "private, max-age=600",
    "Content-Disposition": "inline",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


async def pixels(request: Request) -> Response:
    """The picture as it is kept: in a format that browsers show, and without anything else of its file."""
    platform: Platform = request.app.state.platform
    query = request.query_params
    number = _number(request.path_params["image_id"])
    expires, signature = query.get("expires", ""), query.get("signature", "")
    found = None if number is None else await platform.images.pixels(number, expires, signature)
    if found is None:
        return PlainTextResponse(
            "This address has expired: ask for the image's url again.\n", status_code=404
        )
    image, data = found
    return Response(data, media_type=image.media_type, headers=HEADERS)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else None


def routes() -> list[Route]:
    """The one address."""
    return [Route("/images/{image_id}", pixels)]
