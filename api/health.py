"""Whether the process is alive, whether it can serve, and its measurements."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from hmac import compare_digest

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Gauge,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from api.drift_metrics import DriftMetrics
from api.patience import LEAVING
from services.platform import Platform

READY_WITHIN_SECONDS = 5

logger = logging.getLogger(__name__)


async def healthz(request: Request) -> Response:
    """Alive: the event loop turns."""
    return PlainTextResponse("alive\n")


async def readyz(request: Request) -> Response:
    """Ready: the database answers, a model is in service, and the server is not about to end."""
    if getattr(request.state, LEAVING, False):
        return JSONResponse({"ready": False, "leaving": True}, status_code=503)
    platform: Platform = request.app.state.platform
    try:
        async with asyncio.timeout(READY_WITHIN_SECONDS):
            model = await platform.models.in_service()
    except Exception:
        logger.exception("not ready")
        return JSONResponse({"ready": False}, status_code=503)
    return JSONResponse({"ready": True, "model": model.number})


async def metrics(request: Request, token: str | None) -> Response:
    """Prometheus's text format; where there is a token, for whoever brings it."""
    brought = request.headers.get("authorization", "")
    if token and not compare_digest(brought.encode(), f"Bearer {token}".encode()):
        return PlainTextResponse(
            "COVIDXR_METRICS_TOKEN is wanted\n", 401, headers={"WWW-Authenticate": "Bearer"}
        )
    return Response(generate_latest(request.app.state.metrics), media_type=CONTENT_TYPE_LATEST)


def registry_of(platform: Platform, with_drift: bool = True) -> CollectorRegistry:
    """The measurements of one platform and its process; those of drift tell of a hospital's patients."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    inference = platform.diagnosis.inference
    waiting = Gauge("covidxr_inference_queue", "Images that wait to be computed", registry=registry)
    waiting.set_function(lambda: float(inference.queue_length))
    model = Gauge("covidxr_model_deployment", "Number of the deployment in force here", registry=registry)
    model.set_function(lambda: float(inference.deployment))
    left = Gauge(
        "covidxr_features_left",
        "Images whose features are to be made anew, at who follows it",
        registry=registry,
    )
    left.set_function(lambda: float(platform.renewal.left))
    if with_drift:
        registry.register(DriftMetrics(platform.drift_watch))
    return registry


def routes(metrics_token: str | None = None) -> list[Route]:
    """The three addresses; without a token the measurements are for everybody."""
    measured = partial(metrics, token=metrics_token)
    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", measured)]
