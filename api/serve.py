"""Serving: everything that happens between `covidxr serve` and the first request."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import typer
import uvicorn
from rich.console import Console

from api import logs
from api.patience import PatientHttp, PatientSocket
from api.preparation import (
    bound,
    compilation_cache,
    held,
    make_data_folder,
    prepare_database,
    try_blobs,
    try_key,
    try_model,
)
from api.server import Server
from api.settings import Settings
from api.traces import traced

WEBSOCKET_MESSAGE_BYTES = 1 << 20
SHUTDOWN_SECONDS = 10


def serve() -> None:
    """Serve the platform: migrates the database, puts a model in service, answers on COVIDXR_HOST:PORT."""
    settings = Settings()
    logs.set_up(settings.log_format, settings.log_level)
    console = logs.console(settings.log_format)
    console.print("COVID-XR: for research, not for diagnosis.")
    with suppress(KeyboardInterrupt), traced():  # the way that people stop it is no failure
        _serve(settings, console)
    console.print("Stopped.")


def _serve(settings: Settings, console: Console) -> None:
    began = time.monotonic()
    with _prepared(settings) as listener:
        settings = settings.model_copy(update={"port": listener.getsockname()[1]})
        console.print(f"  data       {settings.data_dir}")
        console.print(_what_takes_time(compilation_cache(settings.data_dir)))
        server = Server(_configuration(settings), settings, console, began)
        with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
            runner.run(server.serve([listener]))
    if not server.started:
        raise typer.Exit(1)


@contextmanager
def _prepared(settings: Settings) -> Iterator[socket.socket]:
    """The data folder and the port are ours, the database and the blobs can be written."""
    make_data_folder(settings.data_dir)
    with ExitStack() as stack:
        if settings.keeps_files:
            stack.enter_context(held(settings.data_dir))
        listener = stack.enter_context(bound(settings.host, settings.port, "COVIDXR_PORT"))
        try_key(settings)
        prepare_database(settings)
        try_blobs(settings)
        try_model(settings)
        yield listener


def _configuration(settings: Settings) -> uvicorn.Config:
    from api.app import create_app  # brings jax and the network's weights
    from api.wiring import load_parts

    return uvicorn.Config(
        create_app(settings, load_parts(settings)),
        log_config=None,  # its loggers' lines go where all go
        log_level="warning",
        access_log=False,  # it would be put together for each request, and then not written
        http=PatientHttp,
        ws=PatientSocket,
        ws_max_size=WEBSOCKET_MESSAGE_BYTES,
        proxy_headers=False,  # the application's
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )


def _what_takes_time(cache: Path) -> str:
    if cache.is_dir() and any(cache.iterdir()):
        return "Preparing the classifier …"
    return "Preparing the classifier; this first time, it compiles for up to a minute …"
