"""Serving: everything that happens between `covidxr serve` and the first request."""

from __future__ import annotations

import asyncio
import socket
import time

import typer
import uvicorn
from rich.console import Console

from api.settings import Settings
from store.tables import User

WEBSOCKET_MESSAGE_BYTES = 1 << 20
SHUTDOWN_SECONDS = 10


class Server(uvicorn.Server):
    """Tells where it can be reached once it can."""

    def __init__(
        self, config: uvicorn.Config, settings: Settings, console: Console, started_at: float
    ) -> None:
        super().__init__(config)
        self._settings, self._console, self._began = settings, console, started_at

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            await self._announce()

    async def _announce(self) -> None:
        address, say = self._settings.address, self._console.print
        say(f"Ready after {time.monotonic() - self._began:.1f} s. Press Ctrl+C to stop.")
        say(f"  web pages  {address}/")
        say(f"  GraphQL    {address}/graphql  (GraphiQL in a browser)")
        say(f"  health     {address}/healthz  {address}/readyz  {address}/metrics")
        if self._settings.smtp_url is None:
            folder = self._settings.data_dir / "mail"
            say(f"  mails      are written to {folder}; set COVIDXR_SMTP_URL to send them")
        if not await User.admins().exists():
            say("There is no administrator yet. Make one, in another terminal:")
            say("  .venv/bin/covidxr create-admin YOU@YOUR-HOSPITAL.EXAMPLE")


def serve() -> None:
    """Serve the platform: migrates the database, puts a model in service, answers on COVIDXR_HOST:PORT."""
    began = time.monotonic()
    settings = Settings()
    console = Console(highlight=False, soft_wrap=True)
    console.print("COVID-XR: for research, not for diagnosis.")
    listener = _bind(settings)
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings = settings.model_copy(update={"port": listener.getsockname()[1]})
    console.print(f"  data       {settings.data_dir}")
    console.print("Preparing the classifier; the first time, this compiles for up to a minute …")
    from api.app import create_app  # brings jax and the network's weights
    from api.wiring import load_parts

    parts = load_parts(settings)
    config = uvicorn.Config(
        create_app(settings, parts),
        log_level="warning",
        ws_max_size=WEBSOCKET_MESSAGE_BYTES,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    server = Server(config, settings, console, began)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(server.serve([listener]))
    if not server.started:
        raise typer.Exit(1)


def _bind(settings: Settings) -> socket.socket:
    """Take the port before anything that takes long."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        typer.echo(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}. "
            "Stop what listens there, or set COVIDXR_PORT to another port.",
            err=True,
        )
        raise typer.Exit(1) from error
    return listener
