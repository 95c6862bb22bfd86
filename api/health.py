"""Whether the process is alive, whether it can serve, and its measurements."""

from __future__ import annotations

import logging
from dataclasses import asdict
from functools import partial
from hmac import compare_digest

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from api.metrics import Metrics
from api.patience import LEAVING
from services.platform import Platform

security = logging.getLogger("security")


async def healthz(request: Request) -> Response:
    """Alive: the event loop turns."""
    return PlainTextResponse("alive\n")


async def readyz(request: Request) -> Response:
    """Ready: database and blob store answer, a model is in service, and the server is not about to end.

    That the events are away is told and keeps nobody out: see `services.readiness`.
    """
    if getattr(request.state, LEAVING, False):
        return JSONResponse({"ready": False, "leaving": True}, status_code=503)
    platform: Platform = request.app.state.platform
    found = await platform.readiness.look()
    return JSONResponse({"ready": found.ready, **asdict(found)}, status_code=200 if found.ready else 503)


async def metrics(request: Request, token: str | None) -> Response:
    """Prometheus's text format; where there is a token, for whoever brings it."""
    brought = request.headers.get("authorization", "")
    if token and not compare_digest(brought.encode(), f"Bearer {token}".encode()):
        security.warning("a wrong token for /metrics")
        return PlainTextResponse(
            "COVIDXR_METRICS_TOKEN is wanted\n", 401, headers={"WWW-Authenticate": "Bearer"}
        )
    told: Metrics = request.app.state.metrics
    return Response(await told.text(), media_type=CONTENT_TYPE_LATEST)


def routes(metrics_token: str | None = None) -> list[Route]:
    """The three addresses; without a token the measurements are for everybody."""
    measured = partial(metrics, token=metrics_token)
    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", measured)]
