"""Several processes as one platform: servers that answer and workers that work, on real servers of others."""

from __future__ import annotations

import asyncio
import csv
import subprocess
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.brokers import Broker, broker
from tests.buckets import S3Server
from tests.fleet import Fleet, fleet, shared
from tests.live import COVIDXR, ROOT, Live, prepared
from tests.people import eventually

PASSWORD = "a password for a scale test"
EMAIL = "chief@hospital.example"
ENDED = {"PROMOTED", "REJECTED", "FAILED", "CANCELLED", "AWAITING"}
MADE = "subscription { predictionMade%s { cursor prediction { image { id } model { number } } } }"
PROGRESS = "subscription { trainingProgress { run { state error model { id number } } } }"
RETRAIN = "mutation { requestRetraining { errors { code message } } }"
PROMOTE = "mutation($input: PromoteModelInput!) { promoteModel(input: $input) { errors { code message } } }"
MODEL = "{ model { number } }"


@pytest.fixture
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with broker(tmp_path_factory.mktemp("nats")) as one:
        yield one


@pytest.fixture
def running_fleet(
    tmp_path: Path, own_database: str, mortal: Broker, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Fleet]:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    few = {"retrain_epochs": "3", "retrain_threshold": "1000"}
    settings = shared(own_database, s3.make_bucket(), mortal.url("covidxr"), **few)
    with fleet(tmp_path, settings, servers=2, workers=2) as found:
        yield found


async def signed_in(found: Fleet) -> list[Live]:
    """The administrator at each server; a token is good at all of them."""
    found.servers[0].run("create-admin", EMAIL, COVIDXR_ADMIN_PASSWORD=PASSWORD)
    first = await found.servers[0].sign_in(EMAIL, PASSWORD)
    assert first.token is not None
    return [first, *(server.as_user(first.token) for server in found.servers[1:])]


def files_of(site: Path, label: str, count: int) -> list[Path]:
    """The first images of a site with a label."""
    with (site / "manifest.csv").open() as manifest:
        rows = [row for row in csv.DictReader(manifest) if row["label"] == label]
    return [site / row["file"] for row in rows[:count]]


async def heard(events: asyncio.Queue[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """The next of them."""
    async with asyncio.timeout(120):
        return [(await events.get())["predictionMade"] for _ in range(count)]


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_the_whole_loop_over_processes(running_fleet: Fleet, mortal: Broker, site_b: Path) -> None:
    """Uploads at one server are told of at the other; a worker dies, the broker rests: nothing is lost."""
    here, there = await signed_in(running_fleet)
    covid, others = (files_of(site_b, label, 20) for label in ("covid", "no_finding"))
    async with there.subscribe(MADE % "") as events:
        sent = await here.upload(covid[:6], "id", label="COVID", evidence="RT_PCR")
        first = await told_once(events, sent)

        sent = await here.upload(others[:20], "id", label="NO_COVID", evidence="RT_PCR")
        running_fleet.workers[0].kill()
        await told_once(events, sent)

        mortal.stop()
        sent = await here.upload(covid[6:9], "id", label="COVID", evidence="RT_PCR")
        assert [one["errors"] for one in sent] == [[], [], []]
        assert events.empty()
        mortal.start()
        second = await told_once(events, sent)

        # A cursor that one server gave is good at the other.
        resumed = MADE % f'(after: "{second[0]["cursor"]}")'
        async with here.subscribe(resumed) as again:
            assert await heard(again, 2) == second[1:]

        # The worker that is left retrains; a promotion reaches both servers, and all is judged anew.
        async with there.subscribe(PROGRESS) as progress:
            assert (await here.ask(RETRAIN))["requestRetraining"]["errors"] == []
            run = await ended(progress)
        assert run["model"]["number"] == 2, run
        if run["state"] != "PROMOTED":
            wish = {"id": run["model"]["id"], "reason": "as a test wants it"}
            assert (await here.ask(PROMOTE, input=wish))["promoteModel"]["errors"] == []
        for server in (here, there):
            assert await eventually(partial(serves, server, 2))
        renewed = await heard(events, 29)
        assert {one["prediction"]["model"]["number"] for one in renewed} == {2}
        assert len({one["prediction"]["image"]["id"] for one in renewed}) == 29
        await asyncio.sleep(2)  # for what comes twice
        assert events.empty()
    assert {one["prediction"]["model"]["number"] for one in first} == {1}


async def serves(server: Live, number: int) -> bool:
    return bool((await server.ask(MODEL))["model"]["number"] == number)


async def told_once(
    events: asyncio.Queue[dict[str, Any]], sent: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """What was told of the images that were sent: of each one thing."""
    told = await heard(events, len(sent))
    assert {one["prediction"]["image"]["id"] for one in told} == {one["image"]["id"] for one in sent}
    return told


async def ended(events: asyncio.Queue[dict[str, Any]]) -> dict[str, Any]:
    """A run, once it is over."""
    async with asyncio.timeout(300):
        while True:
            run: dict[str, Any] = (await events.get())["trainingProgress"]["run"]
            if run["state"] in ENDED:
                return run


async def test_a_worker_alone_is_told_what_it_lacks(tmp_path: Path) -> None:
    live = prepared(tmp_path / "data")
    done = await asyncio.to_thread(
        subprocess.run, [*COVIDXR, "worker"], cwd=ROOT, env=live.environment, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("a worker shares events with its servers: set COVIDXR_EVENTS_URL")
