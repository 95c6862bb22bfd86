"""What a worker tells of itself, where it is given a port: alive, ready, and its measurements."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn

from api import health
from api.metrics import Metrics
from api.safeguards import Guarded
from services.platform import Platform


class _Server(uvicorn.Server):
    """Stops when its worker does, which hears the signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def told(listener: socket.socket, platform: Platform, token: str | None) -> AsyncIterator[None]:
    """/healthz, /readyz and /metrics on a port, from the loop that works: one that hangs does not answer."""
    app = Guarded(routes=health.routes(token))
    app.state.platform = platform
    app.state.metrics = Metrics(platform, of_patients=token is not None)
    config = uvicorn.Config(app, log_config=None, log_level="warning", access_log=False, lifespan="off")
    server = _Server(config)
    serving = asyncio.create_task(server.serve([listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving
