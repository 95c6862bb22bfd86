"""The server's process: says where it can be reached, and leaves so that nobody notices."""

from __future__ import annotations

import gc
import os
import signal
import socket
import time
from types import FrameType

import uvicorn
from rich.console import Console

from api.patience import LEAVING
from api.settings import Settings
from store.tables import User


class Server(uvicorn.Server):
    """Tells where it can be reached once it can.

    SIGTERM begins its end: `/readyz` says 503 while all is answered for COVIDXR_DRAIN_SECONDS, in which
    balancers look elsewhere. Then nothing more is taken, what is under way is answered, sockets and streams
    are sent to another server, and the status is 0. Ctrl+C and a second SIGTERM do not wait for balancers.
    """

    def __init__(
        self, config: uvicorn.Config, settings: Settings, console: Console, started_at: float
    ) -> None:
        super().__init__(config)
        self._settings, self._console, self._began = settings, console, started_at
        self._leaves_at: float | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            keep_for_good()
            await self._announce()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if not self.started:
            # It may wait for a broker that is away. Nothing has been answered, and a crash loses nothing.
            os._exit(0)
        elif sig != signal.SIGTERM:
            super().handle_exit(sig, frame)
        elif self._leaves_at is None:
            self._leaves_at = time.monotonic() + self._settings.drain_seconds
            self.lifespan.state[LEAVING] = True
        else:
            self.should_exit = True  # without uvicorn, which would end the process by the signal

    async def on_tick(self, counter: int) -> bool:
        if self._leaves_at is not None and time.monotonic() >= self._leaves_at:
            self.should_exit = True
        return await super().on_tick(counter)

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
            say("There is no administrator yet. Make one, in another terminal, with the same settings:")
            say("  .venv/bin/covidxr create-admin YOU@YOUR-HOSPITAL.EXAMPLE")


def keep_for_good() -> None:
    """Leave what has been made until now out of the garbage collector's rounds.

    It stays as long as the process: modules, the schema, jax. To go through all of that halts everybody's
    requests for half a second each time.
    """
    gc.collect()
    gc.freeze()
