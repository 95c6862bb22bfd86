"""What the platform sustains as servers and workers on this machine: `make bench-scale`.

Each topology gets a database of its own on the MariaDB or MySQL server of COVIDXR_TEST_MYSQL, a NATS server
with JetStream and a folder of blobs. Clients on the same machine upload, then label, without a pause; then a
thousand subscribers listen: members, each to what becomes of the own images, and administrators, each to all.
The network is replaced by a pause as long as a GPU's (`benchmarks.scale.program`); all else is real. Prints a
table with the cores that each kind of process kept busy, and ends with a line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from itertools import cycle
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter
from urllib.parse import urlsplit

import numpy as np

from benchmarks.scale.calling import Caller, films, label_for, upload_for
from benchmarks.scale.cpu import Meter, Spent, resident
from benchmarks.scale.listening import Heard, listen
from benchmarks.scale.people import sign_in
from benchmarks.scale.sizes import sizes
from store.tables import Role
from tests.brokers import Broker, broker
from tests.databases import connect, empty_mysql
from tests.fleet import Fleet, fleet, shared
from tests.live import Live

PROGRAM = [sys.executable, "-m", "benchmarks.scale.program"]
UPLOADERS, LABELLERS = 16, 16
PER_ADMIN = 20
"""Sockets of one administrator: at most 40 are let in."""
BURST = 20
"""Images that are uploaded at once while all listen."""
QUIET_SECONDS = 5.0
"""Without an event for so long, all have been heard."""


@dataclass
class Row:
    """What one topology sustained, for so many seconds each."""

    servers: int
    workers: int
    uploads: dict[str, float] = field(default_factory=dict)
    judged_per_second: float = 0.0
    labels: dict[str, float] = field(default_factory=dict)
    to_members: dict[str, float] = field(default_factory=dict)
    to_admins: dict[str, float] = field(default_factory=dict)
    spent: dict[str, Spent] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    """Of what each part did: with what it spent, what one costs."""
    sizes: dict[str, float] = field(default_factory=dict)
    socket_bytes: float = 0.0


@dataclass
class Bench:
    """One topology under way."""

    found: Fleet
    nats: Broker
    originals: list[bytes]
    seconds: float
    subscribers: int
    row: Row

    async def run(self) -> None:
        (token,) = await sign_in(self._database, Role.MEMBER, 1)
        images = await self._uploads(token)
        await self._labels(token, images)
        members = await sign_in(self._database, Role.MEMBER, self.subscribers)
        self.row.to_members = await self._listened("members", members, members)
        admins = await sign_in(self._database, Role.ADMIN, -(-self.subscribers // PER_ADMIN))
        sharing = [token for token in admins for _ in range(PER_ADMIN)][: self.subscribers]
        self.row.to_admins = await self._listened("administrators", sharing, members)

    @property
    def _database(self) -> str:
        return self.found.settings["database_url"]

    def _as(self, tokens: list[str], count: int) -> list[Live]:
        """So many clients, with these tokens and at these servers in turn."""
        turns = zip(range(count), cycle(self.found.servers), cycle(tokens), strict=False)
        return [server.as_user(token) for _, server, token in turns]

    def _meter(self, **others: list[int]) -> Meter:
        return Meter(
            {
                "servers": [process.pid for process in self.found.serving],
                "workers": [process.pid for process in self.found.workers],
                "broker": [self.nats.pid],
                "clients": [os.getpid()],
                **others,
            }
        )

    async def _uploads(self, token: str) -> list[str]:
        say("uploads")
        meter = self._meter()
        load, images = await upload_for(self.seconds, self._as([token], UPLOADERS), self.originals)
        self.row.counts |= {"uploads": len(load.waits), "judged": self._judged()}
        self.row.judged_per_second = self.row.counts["judged"] / self.seconds
        self.row.uploads, self.row.spent["uploads"] = load.figures, meter.spent()
        await self._until_judged(len(images))
        folder = self.found.folder
        self.row.sizes = sizes(self._database, folder / "blobs", folder / "jetstream", len(images))
        return images

    async def _labels(self, token: str, images: list[str]) -> None:
        say("labels")
        meter = self._meter()
        load = await label_for(self.seconds, self._as([token], LABELLERS), images)
        self.row.labels, self.row.spent["labels"] = load.figures, meter.spent()
        self.row.counts["labels"] = len(load.waits)

    async def _until_judged(self, count: int) -> None:
        while self._judged() < count:
            await asyncio.sleep(0.5)

    def _judged(self) -> int:
        """How many images have been, by now."""
        with connect(urlsplit(self._database).path[1:]) as database, database.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM prediction")
            row = cursor.fetchone()
        return int(row[0]) if row else 0

    async def _listened(self, name: str, tokens: list[str], owners: list[str]) -> dict[str, float]:
        """What these subscribers heard of a burst of images of as many owners."""
        say(f"{len(tokens)} {name}")
        sockets = [
            (live.url.replace("http", "ws"), str(live.token)) for live in self._as(tokens, len(tokens))
        ]
        ours, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=listen, args=(theirs, sockets), daemon=True)
        servers = [process.pid for process in self.found.serving]
        before = resident(servers)
        process.start()
        assert await asyncio.to_thread(ours.recv) == "open"
        self.row.socket_bytes = self.row.socket_bytes or (resident(servers) - before) / len(sockets)
        meter = self._meter(subscribers=[process.pid or 0])
        heard = await self._heard_of_a_burst(ours, owners)
        self.row.spent[name], self.row.counts[name] = meter.spent(), len(heard.delays)
        ours.send("end")
        await asyncio.to_thread(process.join)
        p50, p99 = np.percentile(heard.delays, [50, 99]) * 1000
        seconds = heard.last - heard.first
        figures = {"events": BURST, "heard": len(heard.delays), "p50_ms": float(p50), "p99_ms": float(p99)}
        return figures | {"deliveries_per_second": len(heard.delays) / seconds}

    async def _heard_of_a_burst(self, pipe: Connection, owners: list[str]) -> Heard:
        endless = films(self.originals)
        for live in self._as(owners, BURST):
            async with Caller(live) as caller:
                await caller.upload(next(endless))
        whole, last = Heard(), perf_counter()
        while perf_counter() - last < QUIET_SECONDS:
            await asyncio.sleep(0.5)
            pipe.send("what was heard")
            some: Heard = await asyncio.to_thread(pipe.recv)
            if some.delays:
                whole = Heard(whole.first or some.first, some.last, whole.delays + some.delays)
                last = perf_counter()
        return whole


def say(what: str) -> None:
    print(f"  {what} …", file=sys.stderr, flush=True)


def measure(servers: int, workers: int, asked: argparse.Namespace) -> Row:
    """One topology, from nothing to nothing."""
    print(f"{servers} servers, {workers} workers", file=sys.stderr, flush=True)
    originals = [file.read_bytes() for file in sorted((asked.images / "covid").glob("*.jpg"))[:100]]
    row = Row(servers, workers)
    with tempfile.TemporaryDirectory(prefix="covidxr-scale-") as name, ExitStack() as stack:
        folder = Path(name)
        nats = stack.enter_context(broker(folder))
        database = stack.enter_context(empty_mysql())
        settings = shared(database, f"file://{folder / 'blobs'}", nats.url("covidxr"))
        settings |= {"points_per_minute": "0", "retrain_threshold": "1000000"}
        found = stack.enter_context(fleet(folder, settings, servers, workers, PROGRAM))
        asyncio.run(Bench(found, nats, originals, asked.seconds, asked.subscribers, row).run())
    return row


def show(row: Row) -> None:
    """A part of the table for people."""
    lines: list[tuple[str, float, dict[str, float], str]] = [
        ("uploads", row.uploads["per_second"], row.uploads, "uploads"),
        ("  judged", row.judged_per_second, {}, "uploads"),
        ("labels", row.labels["per_second"], row.labels, "labels"),
        ("to members", row.to_members["deliveries_per_second"], row.to_members, "members"),
        ("to administrators", row.to_admins["deliveries_per_second"], row.to_admins, "administrators"),
    ]
    for name, rate, waits, part in lines:
        cores = "  ".join(f"{who} {busy:.2f}" for who, busy in row.spent[part].cores.items() if busy >= 0.05)
        times = " ".join(f"{waits.get(key, float('nan')):9.1f}" for key in ("p50_ms", "p99_ms"))
        print(f"{row.servers:7} {row.workers:7} {name:17} {rate:8.1f} {times}  {cores}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--topologies", nargs="+", default=["1x1", "2x1", "1x2", "2x2"], help="servers x workers"
    )
    parser.add_argument("--seconds", type=float, default=15.0, help="of uploading, and of labelling")
    parser.add_argument("--subscribers", type=int, default=1000)
    parser.add_argument("--images", type=Path, default=Path("../shared/cxr-b"))
    asked = parser.parse_args()
    rows = []
    print(
        f"{'servers':>7} {'workers':>7} {'what':16} {'a second':>9} {'p50 ms':>8} {'p99 ms':>9}  cores in use"
    )
    for topology in asked.topologies:
        servers, workers = map(int, topology.split("x"))
        rows.append(measure(servers, workers, asked))
        show(rows[-1])
    given = {"seconds": asked.seconds, "subscribers": asked.subscribers, "cores": os.cpu_count()}
    print(json.dumps({"benchmark": "scale", **given, "rows": [asdict(row) for row in rows]}))


if __name__ == "__main__":
    main()
