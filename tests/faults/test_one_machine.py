"""One server on one machine, which a film ends again and again."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from tests.live import ROOT, Live, prepared, wait_until_ready
from tests.stand_in_program import PROGRAM
from tests.stand_ins import picture

EMAIL, PASSWORD = "chief@hospital.example", "a password for one machine"
POISON = 200
FILMS = 4
AWAY = (OSError, asyncio.IncompleteReadError, httpx.TransportError)
STATES = "{ images(first: 9) { nodes { filename predictionState failure } } }"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def start(live: Live) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*PROGRAM, "serve"], cwd=ROOT, env=live.environment)


async def test_a_server_comes_up_again_in_spite_of_a_film_that_ends_it(tmp_path: Path) -> None:
    live = prepared(tmp_path / "data")
    live.environment["COVIDXR_TEST_POISON"] = str(POISON)
    films = [tmp_path / f"{number}.png" for number in range(FILMS)]
    for number, film in enumerate(films):
        film.write_bytes(picture(number, POISON / 255 if number == 1 else 0.5))
    server, deaths = start(live), 0
    try:
        await asyncio.to_thread(wait_until_ready, server, live.port)
        live.run("create-admin", EMAIL, COVIDXR_ADMIN_PASSWORD=PASSWORD)
        admin = await live.sign_in(EMAIL, PASSWORD)
        is_sent = await sent(admin, films)  # no answer where the film ends the server before it
        async with asyncio.timeout(200):
            while not (states := await settled(admin)):
                if server.poll() is not None:
                    server, deaths = start(live), deaths + 1  # as whatever supervises it does
                is_sent = is_sent or await sent(admin, films)
                await asyncio.sleep(0.1)
        assert states == {"0.png": "READY", "1.png": "FAILED", "2.png": "READY", "3.png": "READY"}
        assert deaths == 4
        (late,) = await admin.upload([another(tmp_path)], "prediction { id }", waitSeconds=30)
        assert late["image"]["prediction"]
        assert server.poll() is None
    finally:
        server.kill()
        server.wait()


def another(folder: Path) -> Path:
    film = folder / "late.png"
    film.write_bytes(picture(99))
    return film


async def sent(admin: Live, films: Sequence[Path]) -> bool:
    """Whether the server answered to an upload of the films, which may be sent again where it did not."""
    try:
        await admin.upload(films, "id")
    except AWAY:
        return False
    return True


async def settled(admin: Live) -> dict[str, str]:
    """The state of each film, once all are there, none waits, and the server is there to say so."""
    try:
        nodes = (await admin.ask(STATES))["images"]["nodes"]
    except AWAY:
        return {}
    states = {node["filename"]: node["predictionState"] for node in nodes}
    return {} if len(states) < FILMS or "PENDING" in states.values() else states
