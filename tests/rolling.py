"""Every process restarted, one after the other, behind HAProxy, while the platform is used: nobody notices.

    .venv/bin/python -m tests.rolling --seconds 600

Two servers and two workers on an own database of the MariaDB or MySQL server, NATS and a folder of blobs,
with stand-ins for the classifier. Clients upload, label and ask, some so slowly that every server is asked
something at any time, and subscribers follow over sockets and streams. No request may fail, and each
subscriber hears each event once, in order.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Any

import httpx

from tests.brokers import broker
from tests.databases import empty_mysql
from tests.fleet import Fleet, fleet, shared
from tests.live import Live
from tests.proxies import Proxy, proxy
from tests.stand_in_program import PROGRAM
from tests.stand_ins import picture
from tests.torture.clients import LABEL, UPLOAD
from tests.torture.listeners import KINDS, Kind, listen_for_ever, over_socket, over_stream
from tests.torture.story import Heard

SERVERS, WORKERS = 2, 2
DRAIN_SECONDS = 3
CLIENTS = 2
"""Of each kind."""
PAUSE_SECONDS = 0.2
SLOW_SECONDS, PIECES = 1.0, 5
HEARING_SECONDS = 120.0
REPEATING_SECONDS = 2.0
EMAIL, PASSWORD = "chief@hospital.example", "a password for rolling restarts"
ASK = "{ viewer { email } model { number } images(first: 5) { nodes { id predictionState } } }"
FOLLOWED = {
    "PredictionMade": KINDS["PredictionMade"],
    "LabelSubmitted": Kind("labelSubmitted", "label { id }", lambda event: event["label"]["id"]),
}
LISTENERS = (over_socket, over_socket, over_stream)


@dataclass
class Story:
    """What was asked, what failed, what came of it, and who heard what."""

    requests: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    heard: dict[str, list[Heard]] = field(default_factory=dict)
    restarts: Counter[str] = field(default_factory=Counter)

    @property
    def expected(self) -> dict[str, int]:
        """How many events of each kind there are to hear."""
        return {"PredictionMade": len(self.images), "LabelSubmitted": len(self.labels)}

    @property
    def has_been_heard(self) -> bool:
        return all(len(one) >= self.expected[name] for name, several in self.heard.items() for one in several)

    @property
    def faults(self) -> list[str]:
        """What went wrong, in words."""
        found = [f"a request failed: {failure}" for failure in self.failures]
        for name, several in self.heard.items():
            for number, heard in enumerate(several):
                places = [place for place, _ in heard]
                if places != sorted(set(places)) or len({told for _, told in heard}) != len(heard):
                    found.append(f"subscriber {number} of {name} heard something twice, or out of order")
                if len(heard) != self.expected[name]:
                    found.append(f"subscriber {number} heard {len(heard)} of {self.expected[name]} {name}")
        return found

    @property
    def figures(self) -> dict[str, Any]:
        heard = {name: [len(one) for one in several] for name, several in self.heard.items()}
        return {
            "requests": dict(self.requests),
            "failed_requests": len(self.failures),
            "restarts": dict(self.restarts),
            "events": self.expected,
            "events_heard": heard,
            "faults": self.faults,
        }


class Clients:
    """Those who use the platform through the proxy, each over a connection that is kept."""

    def __init__(self, admin: Live, story: Story) -> None:
        self._admin, self._story = admin, story
        self._films = itertools.count()
        self._is_over = False

    def stop(self) -> None:
        """Each ends behind the request that it has under way."""
        self._is_over = True

    async def upload(self) -> None:
        async with self._connected() as client:
            while not self._is_over:
                seed = next(self._films)
                form = {
                    "operations": json.dumps({"query": UPLOAD, "variables": {"input": {"files": [None]}}}),
                    "map": '{"0": ["variables.input.files.0"]}',
                }
                part = {"0": (f"{seed}.png", picture(seed, size=(64, 64)))}
                data = await self._ask("upload", client, data=form, files=part)
                if data is not None:
                    (result,) = data["uploadImages"]["results"]
                    self._story.images.append(result["image"]["id"])
                await asyncio.sleep(PAUSE_SECONDS)

    async def label(self) -> None:
        labelled = 0
        async with self._connected() as client:
            while not self._is_over:
                await asyncio.sleep(PAUSE_SECONDS)
                if labelled < len(self._story.images):
                    given = {"imageId": self._story.images[labelled], "finding": "COVID"}
                    data = await self._ask("label", client, json=_body(LABEL, input=given))
                    labelled += 1
                    if data is not None:
                        self._story.labels.append(data["submitLabel"]["label"]["id"])

    async def look(self) -> None:
        async with self._connected() as client:
            while not self._is_over:
                await self._ask("query", client, json=_body(ASK))
                await asyncio.sleep(PAUSE_SECONDS / 2)

    async def look_slowly(self) -> None:
        """So that a server always has something under way."""
        headers = {"Content-Type": "application/json"}
        async with self._connected() as client:
            while not self._is_over:
                await self._ask("slow query", client, content=_in_pieces(_body(ASK)), headers=headers)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[httpx.AsyncClient]:
        async with httpx.AsyncClient(timeout=30, headers=self._admin.headers) as client:
            yield client

    async def _ask(self, what: str, client: httpx.AsyncClient, **request: Any) -> Any:
        """The data; None for a request that failed, of which the story tells."""
        self._story.requests[what] += 1
        try:
            response = await client.post(self._admin.url, **request)
            answer = response.json()
        except (httpx.TransportError, ValueError) as error:
            self._story.failures.append(f"{what}: {error!r}")
            return None
        if response.status_code != 200 or "errors" in answer or '"code"' in response.text:
            self._story.failures.append(f"{what}: {response.status_code} {response.text[:200]}")
            return None
        return answer["data"]


async def _in_pieces(body: dict[str, Any]) -> AsyncIterator[bytes]:
    """As a client on a poor line sends it."""
    data = json.dumps(body).encode()
    for start in range(0, len(data), -(-len(data) // PIECES)):
        yield data[start : start + -(-len(data) // PIECES)]
        await asyncio.sleep(SLOW_SECONDS / PIECES)


def _body(query: str, **variables: Any) -> dict[str, Any]:
    return {"query": query, "variables": variables}


async def restart_all(found: Fleet, balancer: Proxy, story: Story) -> None:
    """Every server and every worker once; a server only while the proxy has another."""
    for number in range(SERVERS):
        await _until_both_serve(balancer)
        await asyncio.to_thread(found.restart_server, number)
        story.restarts["server"] += 1
    for number in range(WORKERS):
        await asyncio.to_thread(found.restart_worker, number)
        story.restarts["worker"] += 1
    await _until_both_serve(balancer)


async def _until_both_serve(balancer: Proxy) -> None:
    async with asyncio.timeout(60):
        while len(balancer.in_service()) < SERVERS:
            await asyncio.sleep(0.2)


async def use_and_restart(found: Fleet, balancer: Proxy, seconds: float) -> Story:
    """All at once, for so long and at least one round of restarts; then everybody hears the rest."""
    await _until_both_serve(balancer)
    found.servers[0].run("create-admin", EMAIL, COVIDXR_ADMIN_PASSWORD=PASSWORD)
    admin = await replace(found.servers[0], port=balancer.port).sign_in(EMAIL, PASSWORD)
    story, began = Story(), monotonic()
    clients = Clients(admin, story)
    async with asyncio.TaskGroup() as listening:
        listeners = []
        for name, kind in FOLLOWED.items():
            story.heard[name] = [[] for _ in LISTENERS]
            for heard, over in zip(story.heard[name], LISTENERS, strict=True):
                listeners.append(listening.create_task(listen_for_ever(admin, kind, heard, over, 0)))
        async with asyncio.TaskGroup() as using:
            using.create_task(clients.label())
            for _ in range(CLIENTS):
                using.create_task(clients.upload())
                using.create_task(clients.look())
                using.create_task(clients.look_slowly())
            await restart_all(found, balancer, story)
            while monotonic() - began < seconds:
                await restart_all(found, balancer, story)
            clients.stop()
        deadline = monotonic() + HEARING_SECONDS
        while not story.has_been_heard and monotonic() < deadline:
            await asyncio.sleep(0.2)
        await asyncio.sleep(REPEATING_SECONDS)
        for listener in listeners:
            listener.cancel()
    return story


def roll(folder: Path, seconds: float) -> Story:
    """One platform, made, used, restarted and gone."""
    with ExitStack() as stack:
        nats = stack.enter_context(broker(folder))
        database = stack.enter_context(empty_mysql())
        settings = shared(database, f"file://{folder / 'blobs'}", nats.url("covidxr"))
        settings |= {
            "drain_seconds": str(DRAIN_SECONDS),
            "points_per_minute": "0",
            "retrain_threshold": "1000000",
            "trusted_proxies": "127.0.0.1",
        }
        found = stack.enter_context(fleet(folder, settings, SERVERS, WORKERS, PROGRAM))
        balancer = stack.enter_context(proxy(*found.servers))
        return asyncio.run(use_and_restart(found, balancer, seconds))


def main() -> None:
    """Print a table, end with one line of JSON; status 1 where anybody noticed."""
    parser = argparse.ArgumentParser(
        prog="tests.rolling", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=60)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="covidxr-rolling-") as name:
        figures = roll(Path(name), given.seconds).figures
    for what, value in figures.items():
        print(f"{what.replace('_', ' '):<16} {value}")
    print(json.dumps({"benchmark": "rolling", "seconds": given.seconds, **figures}))
    sys.exit(1 if figures["faults"] else 0)


if __name__ == "__main__":
    main()
