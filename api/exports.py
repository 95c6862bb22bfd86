"""Serves the copy of all that is somebody's own, at an address signed for them."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from api.pixels import signed
from services.archive import MEDIA_TYPE
from services.errors import TooMany
from services.platform import Platform

HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
}
EXPIRED = "This address is not whole, or has expired: ask for your data again.\n"


async def export(request: Request) -> Response:
    """A zip file, written as it is read."""
    platform: Platform = request.app.state.platform
    address = signed(request)
    try:
        parts = await platform.export.open(address) if address else None
    except TooMany as error:
        wait = {"Retry-After": str(error.retry_after)}
        return PlainTextResponse(f"{error}\n", status_code=429, headers=wait)
    if parts is None:
        return PlainTextResponse(EXPIRED, status_code=404)
    name = f'attachment; filename="covid-xr-{datetime.now(UTC):%Y-%m-%d}.zip"'
    return StreamingResponse(parts, media_type=MEDIA_TYPE, headers=HEADERS | {"Content-Disposition": name})


def routes() -> list[Route]:
    """The address of copies."""
    return [Route("/exports/{number}", export, methods=["GET"])]
