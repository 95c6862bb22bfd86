"""The database away, or silent, under users of several processes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.breakable import LABEL, Breakable, until
from tests.live import IN_THE_CLEAR, Live
from tests.people import eventually
from tests.torture.clients import UPLOAD
from tests.torture.listeners import KINDS

AWAY_SECONDS = 10.0
ASK = "{ viewer { id } images(first: 1) { totalCount } }"
MAY_BE_SAID = {"UNAVAILABLE", "TIMED_OUT"}
BOUNDARY = "of-a-test"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


async def asked(admin: Live, query: str = ASK, **variables: Any) -> httpx.Response:
    async with httpx.AsyncClient(timeout=90, headers=admin.headers, verify=IN_THE_CLEAR) as client:
        return await client.post(admin.url, json={"query": query, "variables": variables})


def is_refused(response: httpx.Response) -> bool:
    """By the table of codes: 503, when to come back, and a sentence."""
    (error,) = response.json()["errors"]
    assert (response.status_code, error["extensions"]["code"]) == (503, "UNAVAILABLE"), response.text
    assert response.headers["retry-after"] == str(error["extensions"]["retryAfter"])
    return "try again" in error["message"]


async def uploaded_slowly(admin: Live, film: Path, half: asyncio.Event, rest: asyncio.Event) -> Any:
    """The result of an upload whose second half waits."""
    data = await asyncio.to_thread(film.read_bytes)
    operations = json.dumps({"query": UPLOAD, "variables": {"input": {"files": [None]}}})

    def part(name: str, more: str = "") -> bytes:
        return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode()

    async def body() -> AsyncIterator[bytes]:
        yield part("operations") + operations.encode() + b"\r\n"
        yield part("map") + b'{"0": ["variables.input.files.0"]}\r\n'
        yield part("0", '; filename="film.png"') + data[:100]
        half.set()
        await rest.wait()
        yield data[100:] + f"\r\n--{BOUNDARY}--\r\n".encode()

    headers = {**admin.headers, "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    async with httpx.AsyncClient(timeout=90) as client:
        return (await client.post(admin.url, content=body(), headers=headers)).json()


async def test_a_database_that_dies_is_told_of_and_used_again(breakable: Callable[..., Breakable]) -> None:
    platform = breakable()
    here, there = await platform.sign_in()
    async with platform.listening(KINDS["PredictionMade"]) as heard:
        images = await platform.upload(3, waitSeconds=30)
        film = platform.films(1)
        half, rest = asyncio.Event(), asyncio.Event()
        under_way = asyncio.create_task(uploaded_slowly(here, film[0], half, rest))
        await half.wait()
        await asyncio.sleep(0.5)  # for who uploads to have been looked up

        platform.database.kill()
        rest.set()
        answer = await under_way
        assert answer["data"] is None or not answer["data"]["uploadImages"]["results"][0]["image"], answer
        deadline = asyncio.get_running_loop().time() + AWAY_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            for admin in (here, there):
                label = {"imageId": images[0], "finding": "COVID"}
                assert is_refused(await asked(admin))
                assert is_refused(await asked(admin, LABEL, input=label))
            for server in range(2):
                assert (
                    await platform.status("readyz", server),
                    await platform.status("healthz", server),
                ) == (
                    503,
                    200,
                )
            await asyncio.sleep(0.5)

        platform.database.start()
        for server in range(2):
            assert await eventually(lambda server=server: is_ready(platform, server), 60)
        results = await here.upload(film, "id prediction { probability }", waitSeconds=60)
        assert results[0]["errors"] == []
        assert results[0]["image"]["prediction"], "workers go on"
        await platform.upload(4)
        assert (await asked(there)).json()["data"]["images"]["totalCount"] == 8
        await platform.all_told_once(heard["predictionMade"], 8)
    assert platform.none_has_ended()


async def is_ready(platform: Breakable, server: int) -> bool:
    return await platform.status("readyz", server) == 200


async def test_a_database_that_says_nothing_holds_nobody_up_for_ever(
    breakable: Callable[..., Breakable],
) -> None:
    platform = breakable()
    here, there = await platform.sign_in()
    async with platform.listening(KINDS["PredictionMade"]) as heard:
        await platform.upload(3, waitSeconds=30)
        platform.database.freeze()
        try:
            asking = [asyncio.create_task(asked(admin)) for admin in (here, there) for _ in range(30)]
            assert await platform.status("readyz") == 503
            assert await platform.status("healthz") == 200
            await asyncio.sleep(AWAY_SECONDS)
        finally:
            platform.database.thaw()
        for response in await asyncio.gather(*asking):
            errors = response.json().get("errors", [])
            assert {error["extensions"]["code"] for error in errors} <= MAY_BE_SAID
        await platform.upload(4, waitSeconds=60)
        await until(lambda: all(len(events) == 7 for events in heard["predictionMade"]))
        await platform.all_told_once(heard["predictionMade"], 7)
    assert platform.none_has_ended()
