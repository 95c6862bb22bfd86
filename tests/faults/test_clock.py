"""One server whose clock jumps by hours while it is used."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest

from tests.faults.test_hosts import FAKETIME
from tests.live import ROOT, Live, prepared, wait_until_ready
from tests.missing import missing
from tests.people import eventually
from tests.stand_in_program import PROGRAM
from tests.stand_ins import picture

EMAIL, PASSWORD = "chief@hospital.example", "a password for odd times"
HOUR = 3600
LABEL = "mutation($input: SubmitLabelInput!) { submitLabel(input: $input) { errors { code } } }"
RETRAIN = "mutation { requestRetraining { run { id } errors { code message } } }"
RUN = "{ trainingRuns(first: 1) { nodes { state error } } }"
HEARD = "subscription { predictionMade { prediction { image { filename } model { number } } } }"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@dataclass
class Clock:
    """The clock of a process, which a test sets."""

    file: Path

    def set(self, seconds: int) -> None:
        """So many seconds ahead of the true time."""
        unfinished = self.file.with_suffix(".new")
        unfinished.write_text(f"{seconds:+d}s")
        unfinished.replace(self.file)


@contextmanager
def server_with(clock: Clock, folder: Path) -> Iterator[Live]:
    if not Path(FAKETIME).exists():
        missing("no libfaketime: apt-get install libfaketime")
    clock.set(0)
    live = prepared(folder, retrain_threshold="1000000")
    live.environment["COVIDXR_TEST_PAUSE"] = "2"
    faked = {
        "LD_PRELOAD": FAKETIME,
        "FAKETIME_TIMESTAMP_FILE": str(clock.file),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }
    with subprocess.Popen([*PROGRAM, "serve"], cwd=ROOT, env=live.environment | faked) as process:
        try:
            wait_until_ready(process, live.port)
            yield live
            assert process.poll() is None
        finally:
            process.terminate()


async def judged(admin: Live, folder: Path, number: int) -> str:
    """The id of an image that is judged while somebody waits."""
    film = folder / f"{number}.png"
    film.write_bytes(picture(number))
    (result,) = await admin.upload([film], "id prediction { id }", waitSeconds=30)
    assert result["image"]["prediction"]
    found: str = result["image"]["id"]
    return found


async def promoted_in_spite_of(admin: Live, clock: Clock, seconds: int, image: str) -> None:
    """A run during which the clock jumps."""
    label = {"imageId": image, "finding": "COVID"}
    assert (await admin.ask(LABEL, input=label))["submitLabel"]["errors"] == []
    assert (await admin.ask(RETRAIN))["requestRetraining"]["errors"] == []
    await asyncio.sleep(1)
    clock.set(seconds)

    async def has_jumped() -> bool:
        """Which libfaketime sees a second later, and sometimes two or three."""
        async with httpx.AsyncClient() as client:
            told = (await client.get(f"{admin.url.removesuffix('/graphql')}/healthz")).headers["Date"]
        return abs(parsedate_to_datetime(told).timestamp() - time.time() - seconds) < HOUR / 2

    async def is_over() -> bool:
        (run,) = (await admin.ask(RUN))["trainingRuns"]["nodes"]
        return bool(run["state"] == "PROMOTED") or run["error"]

    assert await eventually(has_jumped)
    assert await eventually(is_over, 60) is True


async def status_of_picture(admin: Live, address: str) -> int:
    async with httpx.AsyncClient() as client:
        return (await client.get(address, headers=admin.headers)).status_code


async def test_a_clock_that_jumps_ends_no_session_and_no_run_and_loses_nothing(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock")
    with server_with(clock, tmp_path / "data") as live:
        live.run("create-admin", EMAIL, COVIDXR_ADMIN_PASSWORD=PASSWORD)
        admin = await live.sign_in(EMAIL, PASSWORD)
        async with admin.subscribe(HEARD) as heard:
            images = [await judged(admin, tmp_path, 0)]
            address = (await admin.ask("{ images(first: 1) { nodes { url } } }"))["images"]["nodes"][0]["url"]
            assert await status_of_picture(admin, address) == 200
            for number, hours in enumerate((1, -1), start=1):
                await promoted_in_spite_of(admin, clock, hours * HOUR, images[-1])
                images.append(await judged(admin, tmp_path, number))
                # An address is good for a quarter of an hour, by whatever clock there is.
                assert await status_of_picture(admin, address) == (404 if hours == 1 else 200)
            assert (await admin.ask("{ viewer { id } }"))["viewer"]
            await eventually(lambda: asyncio.sleep(0, heard.qsize() >= len(images)))
            await asyncio.sleep(1)  # for what comes twice
            told = [heard.get_nowait()["predictionMade"]["prediction"] for _ in range(heard.qsize())]
        news = [(one["image"]["filename"], one["model"]["number"]) for one in told]
        assert len(set(news)) == len(news)
        assert {f"{number}.png" for number in range(3)} == {name for name, _ in news}
        numbers = (await admin.ask("{ models(first: 9) { nodes { number } } }"))["models"]["nodes"]
        assert [one["number"] for one in numbers] == [3, 2, 1]
