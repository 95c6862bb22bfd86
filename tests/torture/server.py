"""A server that is killed at random moments and started again."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
from contextlib import suppress
from time import monotonic

import httpx

from tests.live import COVIDXR, IN_THE_CLEAR, ROOT, START_SECONDS, Live
from tests.torture.story import Story

PAUSE_SECONDS = 0.1
PATIENCE_SECONDS = 90.0
"""How long a killer waits for the stage that it wants."""
STOPPING_SECONDS = 30.0
FIRST_DEATHS, FIRST_SECONDS = 3, 4.0
MOMENTS = {"starting": 40, "serving": 50, "training": 3, "judging": 2, "verdict": 3, "renewing": 2}
"""How often, of a hundred, it tries to kill in which stage. Deaths in the later ones wait for a run or a
promotion, and one that waits for a verdict lets a run come to its end."""
NEWS_SECONDS = 2.0
"""How long a verdict, or another model, is what the server is about."""
STAGES = {None: "serving", "QUEUED": "training", "TRAINING": "training", "EVALUATING": "judging"}

LOOK = "{ model { number } retraining { run { id state } } }"


class Server:
    """A process that is started again after each death, on the same port and data."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._process: subprocess.Popen[bytes] | None = None
        self.start_seconds = 0.0
        """What the first start took; random moments of later ones lie within."""

    def start(self) -> None:
        self._process = subprocess.Popen(
            [*COVIDXR, "serve"], cwd=ROOT, env=self._live.environment, stdout=subprocess.DEVNULL
        )

    async def first_start(self) -> None:
        """Raises as `ready`."""
        began = monotonic()
        self.start()
        await self.ready()
        self.start_seconds = monotonic() - began

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, nobody is told."""
        assert self._process is not None
        ended = self._process.poll()
        assert ended is None, f"the server ended with status {ended} before it was killed"
        self._process.kill()
        self._process.wait()

    def clean_up(self) -> None:
        """Leave no process behind, whether it lives or not."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    async def stop(self) -> None:
        """SIGTERM, as an operator stops it; raises TimeoutExpired where it does not end."""
        assert self._process is not None
        self._process.terminate()
        status = await asyncio.to_thread(self._process.wait, STOPPING_SECONDS)
        assert status in (0, -signal.SIGTERM), f"the server ended with status {status} when it was stopped"

    async def ready(self) -> None:
        """Raises TimeoutError where it never is, AssertionError where it has ended by itself."""
        async with asyncio.timeout(START_SECONDS), httpx.AsyncClient(verify=IN_THE_CLEAR) as client:
            while True:
                ended = self._process and self._process.poll()
                assert ended is None, f"the server ended with status {ended}"
                with suppress(httpx.TransportError):
                    address = self._live.url.replace("/graphql", "/readyz")
                    if (await client.get(address)).status_code == 200:
                        return
                await asyncio.sleep(PAUSE_SECONDS)


async def die_at_first_start(server: Server, chance: random.Random) -> None:
    """A few deaths while the database and the data folder are made."""
    for _ in range(FIRST_DEATHS):
        server.start()
        await asyncio.sleep(chance.uniform(0, FIRST_SECONDS))
        server.kill()


async def watch_for_ever(admin: Live, story: Story) -> None:
    """Keep the story's stage true, and its runs complete, by asking again and again."""
    model, run, news, since = None, None, "", -NEWS_SECONDS
    while True:
        try:
            seen = await admin.ask(LOOK)
        except (httpx.TransportError, OSError):
            await asyncio.sleep(PAUSE_SECONDS)
            continue
        number, under_way = seen["model"]["number"], seen["retraining"]["run"]
        if under_way:
            story.runs.add(under_way["id"])
        if run and (under_way is None or under_way["id"] != run["id"]):
            news, since = "verdict", monotonic()
        elif model not in (None, number):
            news, since = "renewing", monotonic()
        model, run = number, under_way
        story.stage = news if monotonic() - since < NEWS_SECONDS else STAGES[run and run["state"]]
        await asyncio.sleep(PAUSE_SECONDS)


async def kill_for_ever(server: Server, story: Story, chance: random.Random) -> None:
    """Kill at a random moment of a random stage, and start again."""
    while True:
        (stage,) = chance.choices(list(MOMENTS), MOMENTS.values())
        if stage == "starting":
            await asyncio.sleep(chance.uniform(0, server.start_seconds))
        else:
            await server.ready()
            await _reached(stage, story)
            await asyncio.sleep(chance.uniform(0, 2))
        server.kill()
        story.kills[story.stage] += 1
        story.stage = "starting"
        server.start()


async def _reached(stage: str, story: Story) -> None:
    """The stage is there, or does not come soon."""
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while stage not in ("serving", story.stage):
                await asyncio.sleep(PAUSE_SECONDS)
