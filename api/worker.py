"""Working: `covidxr worker` predicts, trains and mails, for servers that only answer."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from contextlib import AsyncExitStack, suppress

from rich.console import Console

from api import logs
from api.preparation import (
    CannotStart,
    bound,
    make_data_folder,
    prepare_database,
    try_blobs,
    try_key,
    try_model,
)
from api.settings import Settings
from api.traces import traced


def worker() -> None:
    """Predict, train and mail for the servers of the same COVIDXR_EVENTS_URL; any number of these may run."""
    settings = Settings()
    logs.set_up(settings.log_format, settings.log_level)
    console = logs.console(settings.log_format)
    if not settings.scales_out:
        raise CannotStart(
            "a worker shares events with its servers: set COVIDXR_EVENTS_URL to nats://HOST:PORT for all of "
            "them. Without it a server does all the work itself."
        )
    listener = _bound(settings)
    make_data_folder(settings.data_dir)
    try_key(settings)
    prepare_database(settings)
    try_blobs(settings)
    try_model(settings)
    with traced():
        asyncio.run(_work(settings, listener, console, time.monotonic()))
    console.print("Stopped.")


def _bound(settings: Settings) -> socket.socket | None:
    if settings.health_port is None:
        return None
    return bound(settings.host, settings.health_port, "COVIDXR_HEALTH_PORT")


async def _work(settings: Settings, listener: socket.socket | None, console: Console, began: float) -> None:
    """Until a signal comes, at whatever time: what is in hand then goes to others."""
    stopped = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, stopped.set)
    working = asyncio.create_task(_for_ever(settings, listener, console, began))
    stopping = asyncio.create_task(stopped.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working


async def _for_ever(
    settings: Settings, listener: socket.socket | None, console: Console, began: float
) -> None:
    from api.vital_signs import told
    from api.wiring import load_parts, running  # brings jax and the network's weights

    console.print("Preparing the classifier …")
    parts = await asyncio.to_thread(load_parts, settings)
    async with AsyncExitStack() as stack:
        platform = await stack.enter_async_context(running(settings, parts))
        if listener:
            await stack.enter_async_context(told(listener, platform, settings.metrics_token))
        console.print(f"Working after {time.monotonic() - began:.1f} s. Press Ctrl+C to stop.")
        await asyncio.Event().wait()
