"""The platform as many processes on this machine, and the whole loop through it: `make scale`.

    .venv/bin/python -m tests.scale_out --stay

Two servers behind HAProxy and two workers, with the real classifier, on an own database of the MariaDB or
MySQL server, NATS with JetStream and an S3 server. Films are uploaded at one server and heard of at the
other, a worker retrains, a promotion reaches both, and every film is judged anew. ``--stay`` leaves it all
running.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import os
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

from tests.brokers import broker
from tests.buckets import s3_server
from tests.databases import empty_mysql
from tests.fleet import Fleet, fleet, shared
from tests.live import Live
from tests.people import eventually
from tests.proxies import proxy

EMAIL, PASSWORD = "chief@hospital.example", "a password for a scale test"
SERVERS, WORKERS = 2, 2
FEW = {"retrain_epochs": "3", "retrain_threshold": "1000", "points_per_minute": "0"}
OF_EACH = 10
REPEATING_SECONDS = 2.0
ENDED = {"PROMOTED", "REJECTED", "FAILED", "CANCELLED", "AWAITING"}
MADE = "subscription { predictionMade%s { cursor prediction { image { id } model { number } } } }"
PROGRESS = "subscription { trainingProgress { run { state epoch error model { id number } } } }"
RETRAIN = "mutation { requestRetraining { errors { code message } } }"
PROMOTE = "mutation($input: PromoteModelInput!) { promoteModel(input: $input) { errors { code message } } }"
MODEL = "{ model { number } }"

Events = asyncio.Queue[dict[str, Any]]


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


async def heard(events: Events, count: int) -> list[dict[str, Any]]:
    """The next of them."""
    async with asyncio.timeout(120):
        return [(await events.get())["predictionMade"] for _ in range(count)]


async def told_once(events: Events, sent: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was told of the images that were sent: of each one thing."""
    told = await heard(events, len(sent))
    assert {one["prediction"]["image"]["id"] for one in told} == {one["image"]["id"] for one in sent}
    return told


async def retrained(here: Live, there: Live) -> dict[str, Any]:
    """A run that was asked for at one server, once the other has told of its end."""
    async with there.subscribe(PROGRESS) as progress:
        assert (await here.ask(RETRAIN))["requestRetraining"]["errors"] == []
        async with asyncio.timeout(300):
            while True:
                run: dict[str, Any] = (await progress.get())["trainingProgress"]["run"]
                if run["state"] in ENDED:
                    return run


async def put_in_service(run: dict[str, Any], servers: Sequence[Live]) -> None:
    """What a run made serves at all of them, by the gate or by hand."""
    assert run["model"], run
    if run["state"] != "PROMOTED":
        wish = {"id": run["model"]["id"], "reason": "as a test wants it"}
        assert (await servers[0].ask(PROMOTE, input=wish))["promoteModel"]["errors"] == []
    for server in servers:
        assert await eventually(partial(serves, server, run["model"]["number"]))


async def serves(server: Live, number: int) -> bool:
    return bool((await server.ask(MODEL))["model"]["number"] == number)


async def judged_anew(events: Events, count: int, number: int) -> None:
    """So many images, each once, by the model of that number."""
    renewed = await heard(events, count)
    assert {one["prediction"]["model"]["number"] for one in renewed} == {number}
    assert len({one["prediction"]["image"]["id"] for one in renewed}) == count
    await asyncio.sleep(REPEATING_SECONDS)
    assert events.empty()


async def walk(found: Fleet, site: Path) -> None:
    """The whole loop, told as it goes."""
    here, there = await signed_in(found)
    began = monotonic()

    def say(what: str) -> None:
        print(f"{monotonic() - began:6.1f} s  {what}", flush=True)

    async with there.subscribe(MADE % "") as events:
        for label, finding in (("covid", "COVID"), ("no_finding", "NO_COVID")):
            films = files_of(site, label, OF_EACH)
            sent = await here.upload(films, "id", label=finding, evidence="RT_PCR")
            say(f"{len(sent)} films with {finding} uploaded at {here.url}")
            await told_once(events, sent)
            say(f"… each heard of once at {there.url}")
        run = await retrained(here, there)
        say(f"a worker has retrained: {run['state']}, model {run['model'] and run['model']['number']}")
        await put_in_service(run, (here, there))
        say("the model is in service at both servers")
        await judged_anew(events, 2 * OF_EACH, run["model"]["number"])
        say(f"all {2 * OF_EACH} films judged anew, each heard of once")


@contextmanager
def platform(folder: Path) -> Iterator[tuple[Fleet, str]]:
    """All that it takes, as long as the context lasts, and the address of the proxy."""
    with broker(folder) as nats, empty_mysql() as database, s3_server() as s3:
        os.environ.update(s3.environment)
        settings = shared(database, s3.make_bucket(), nats.url("covidxr"), **FEW)
        settings["trusted_proxies"] = "127.0.0.1"
        with fleet(folder, settings, SERVERS, WORKERS) as found, proxy(*found.servers) as balancer:
            yield found, balancer.url


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="tests.scale_out", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stay", action="store_true", help="go on running until Ctrl+C")
    parser.add_argument("--images", type=Path, default=Path("../shared/cxr-b"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="covidxr-scale-") as name, platform(Path(name)) as (found, url):
        asyncio.run(walk(found, given.images))
        if given.stay:
            print(f"Running at {url}, administrator {EMAIL}, {PASSWORD!r}. Press Ctrl+C to stop.", flush=True)
            signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main()
