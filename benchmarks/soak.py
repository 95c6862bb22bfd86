"""Whether a platform in use stays as it is: `.venv/bin/python -m benchmarks.soak --plot FILE`.

A server with the real model, on SQLite; with `--worker` a server and a worker, on MariaDB and NATS. Labels,
news, and subscribers that come, listen for a while, go, and take up where they were; retrainings; and for so
long films that come by chance and wait for their findings, at 70 % of as many as the platform takes beside
all that but a retraining, which is measured first. Films come at the same moments of each minute.
Each minute tells of memory, file handles, connections, the database and how long films waited. Ends with a
line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from benchmarks.scale.calling import films
from benchmarks.scale.cpu import resident
from benchmarks.scale.people import sign_in
from benchmarks.serve.bare import films_in
from benchmarks.serve.load import Answers, Clients
from events.log import decode_cursor, encode_cursor
from ml.plots import COLOURS, NOTICE, png
from store.database import open_database
from store.tables import Image, Prediction, Role, TrainingRun
from tests.brokers import broker
from tests.fleet import Fleet, fleet, shared
from tests.live import Live
from tests.mariadb import mariadb
from tests.torture.listeners import KINDS, over_socket

MINUTE = 60.0
SHARE = 0.7
CLIENTS = 8
CAPACITY_SECONDS = 20.0
LISTENERS = 20
LONGEST_VISIT_SECONDS = 30.0
LABEL_SECONDS, NEWS_SECONDS, RETRAIN_SECONDS = 1.0, 20.0, 300.0
FIRST_RUN_SECONDS = 60.0
"""After what is measured first."""
SETTLING_SECONDS = 120.0

IMAGES = "{ images(first: 20) { nodes { id prediction { finding } } } }"
LABEL = "mutation($input: SubmitLabelInput!) { submitLabel(input: $input) { errors { code } } }"
PUBLISH = "mutation($input: PublishNewsInput!) { publishNews(input: $input) { errors { code } } }"
NEWS = "{ news(first: 5) { nodes { title body } } model { number } }"
RETRAIN = "mutation { requestRetraining { errors { code } } }"


@dataclass(frozen=True)
class Sample:
    """How it is at the end of a minute; p50 and p99 are of the films of that minute."""

    minute: int
    memory_mb: float
    decoders_mb: float
    handles: int
    connections: int
    threads: int
    database_mb: float
    p50_ms: float
    p99_ms: float
    judged: int
    refused: int
    superseded: int


@dataclass
class Soaked:
    """A platform in use, and what was seen of it."""

    fleet: Fleet
    admin: Live
    stranger: Live
    chance: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 - no secret
    heard: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in (*self.fleet.serving, *self.fleet.workers)]

    async def label(self) -> None:
        """As the model said, so that a candidate may be promoted."""
        nodes = (await self.admin.ask(IMAGES))["images"]["nodes"]
        if found := [node for node in nodes if node["prediction"] and node["prediction"]["finding"]]:
            one = self.chance.choice(found)
            await self.admin.ask(LABEL, input={"imageId": one["id"], "finding": one["prediction"]["finding"]})

    async def publish(self) -> None:
        await self.admin.ask(PUBLISH, input={"title": "Of a soak", "body": "Still here."})
        await self.stranger.ask(NEWS)

    async def retrain(self) -> None:
        await self.admin.ask(RETRAIN)

    async def listen(self) -> None:
        """Visits without end; each goes on where the last one was."""
        last, kind = 0, KINDS["PredictionMade"]
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.chance.uniform(1, LONGEST_VISIT_SECONDS)):
                    after = encode_cursor(last or await self._newest())
                    async with aclosing(over_socket(self.admin, kind.query, after)) as payloads:
                        async for payload in payloads:
                            place = decode_cursor(payload["data"][kind.field]["cursor"])
                            if place <= last:
                                self.faults.append(f"an event came twice, at {place}")
                            last, self.heard = place, self.heard + 1
            await asyncio.sleep(self.chance.uniform(0, 2))

    async def _newest(self) -> int:
        return decode_cursor((await self.admin.ask("{ lastCursor }"))["lastCursor"])

    async def again_and_again(
        self, what: Callable[[], Awaitable[None]], every: float, first: float = 0.0
    ) -> None:
        await asyncio.sleep(first)
        while True:
            try:
                await what()
            except AssertionError as error:
                self.faults.append(str(error)[:200])
            await asyncio.sleep(every)

    def measured(self, minute: int, answers: Answers) -> Sample:
        waits = answers.waits
        p50, p99 = np.percentile(waits, [50, 99]) * 1000 if waits else (0.0, 0.0)
        links = [link for pid in self.pids for link in _links(pid)]
        return Sample(
            minute,
            round(resident(self.pids) / 2**20, 1),
            round(resident([child for pid in self.pids for child in _decoders(pid)]) / 2**20, 1),
            len(links),
            sum(link.startswith("socket:") for link in links),
            sum(len(os.listdir(f"/proc/{pid}/task")) for pid in self.pids),
            round(_size(self.fleet.folder) / 2**20, 1),
            round(float(p50), 1),
            round(float(p99), 1),
            len(waits),
            len(answers.full),
            answers.superseded,
        )

    @asynccontextmanager
    async def in_use(self) -> AsyncIterator[None]:
        """By everybody but those who send films, as long as the context lasts."""
        work = [
            self.again_and_again(self.label, LABEL_SECONDS),
            self.again_and_again(self.publish, NEWS_SECONDS),
            self.again_and_again(self.retrain, RETRAIN_SECONDS, 1.5 * CAPACITY_SECONDS + FIRST_RUN_SECONDS),
            *(self.listen() for _ in range(LISTENERS)),
        ]
        tasks = [asyncio.create_task(one) for one in work]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for outcome in await asyncio.gather(*tasks, return_exceptions=True):
                if not isinstance(outcome, asyncio.CancelledError):
                    self.faults.append(repr(outcome))

    async def soak(self, clients: Clients, rate: float, minutes: int) -> AsyncGenerator[Sample]:
        """A sample a minute."""
        for minute in range(1, minutes + 1):
            answers = Answers(MINUTE)
            try:
                answers = await clients.open(rate, MINUTE)
            except* (AssertionError, OSError) as errors:
                self.faults += [repr(error)[:200] for error in errors.exceptions]
                print(self.faults[-1], flush=True)
            yield self.measured(minute, answers)


def _links(pid: int) -> list[str]:
    """What the file handles of a process lead to."""
    found = []
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # closed at this moment
            found.append(os.readlink(handle))
    return found


def _decoders(pid: int) -> list[int]:
    """The processes that decode for it."""
    children = [file.read_text().split() for file in Path(f"/proc/{pid}/task").glob("*/children")]
    return [
        int(child)
        for child in chain(*children)
        if b"api.decoding_process" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def _size(folder: Path) -> int:
    """Bytes of the database's files."""
    return sum(file.stat().st_size for file in folder.rglob("*") if _is_of_database(file))


def _is_of_database(file: Path) -> bool:
    return ".sqlite" in file.name or file.suffix == ".ibd"


def growth(samples: Sequence[Sample], name: str) -> float:
    """By how much a figure grows in an hour, by the straight line through its second half."""
    half = samples[len(samples) // 2 :]
    if len(half) < 2:
        return 0.0
    slope, _ = np.polyfit([one.minute for one in half], [getattr(one, name) for one in half], 1)
    return round(float(slope) * 60, 2)


def draw(samples: Sequence[Sample]) -> bytes:
    """The figures over the minutes."""
    panels = {
        "memory, MB": ("memory_mb", "decoders_mb"),
        "handles, connections, threads": ("handles", "connections", "threads"),
        "database, MB": ("database_mb",),
        "a film waits, ms": ("p50_ms", "p99_ms"),
    }
    figure = Figure(figsize=(11, 7), layout="constrained")
    figure.suptitle(f"A platform in use at {SHARE:.0%} of its capacity\n{NOTICE}", fontsize=11)
    for axis, (title, names) in zip(figure.subplots(2, 2).flat, panels.items(), strict=True):
        for name, colour in zip(names, COLOURS.values(), strict=False):
            figures = [getattr(one, name) for one in samples]
            axis.plot([one.minute for one in samples], figures, color=colour, label=name)
        axis.set(title=title, xlabel="minutes")
        axis.margins(y=0.1)
        axis.set_ylim(bottom=0)
        axis.grid(axis="y", color="0.93")
        axis.legend(frameon=False)
    return png(figure)


@contextmanager
def platform(folder: Path, has_worker: bool) -> Iterator[Fleet]:
    """A server, and perhaps a worker with what it needs, in a folder."""
    given = {"points_per_minute": "0", "retrain_threshold": "1000000"}
    with ExitStack() as stack:
        if has_worker:
            for name in ("mariadb", "nats"):
                (folder / name).mkdir()
            database = stack.enter_context(mariadb(folder / "mariadb"))
            events = stack.enter_context(broker(folder / "nats"))
            database.empty()
            given |= shared(database.url, f"file://{folder}/blobs", events.url("covidxr"))
        found = stack.enter_context(fleet(folder, given, 1, int(has_worker)))
        found.wait_until_working()
        yield found


async def measure(asked: argparse.Namespace, found: Fleet) -> tuple[list[Sample], dict[str, Any]]:
    """The samples, and what came of it all."""
    (live,) = found.servers
    (token,) = await sign_in(live.database, Role.ADMIN, 1)
    admin = live.as_user(token)
    soaked, clients = Soaked(found, admin, live), Clients(admin, films(films_in(asked.images)))
    samples = []
    async with soaked.in_use():
        await clients.closed(CLIENTS, CAPACITY_SECONDS / 2)  # whatever runs for the first time
        answers = await clients.closed(CLIENTS, CAPACITY_SECONDS)
        capacity = len(answers.waits) / answers.seconds
        print(f"capacity {capacity:.2f} films a second, loaded with {SHARE * capacity:.2f}", flush=True)
        print(" ".join(f"{name:>11}" for name in Sample.__dataclass_fields__), flush=True)
        async for one in soaked.soak(clients, SHARE * capacity, asked.minutes):
            print(" ".join(f"{figure:>11}" for figure in asdict(one).values()), flush=True)
            samples.append(one)
    await clients.close()
    return samples, {"capacity_per_second": round(capacity, 2), **await _outcome(soaked)}


async def _outcome(soaked: Soaked) -> dict[str, Any]:
    """What is left when all has been judged, or enough has been waited for."""
    async with open_database(soaked.admin.database):
        until = perf_counter() + SETTLING_SECONDS
        while perf_counter() < until and await Image.filter(features=None, failure=None).exists():
            await asyncio.sleep(1)
        return {
            "images": await Image.all().count(),
            "not_judged": await Image.filter(features=None).count(),
            "predictions": await Prediction.all().count(),
            "runs": [run.state.value for run in await TrainingRun.all().order_by("id")],
            "heard": soaked.heard,
            "faults": soaked.faults[:20],
            "ended_processes": sum(process.poll() is not None for process in soaked.fleet.serving),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--worker", action="store_true", help="a worker too, on MariaDB and NATS")
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--images", type=Path, default=Path("../shared/cxr-b"))
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="covidxr-soak-") as name,
        platform(Path(name), asked.worker) as found,
    ):
        samples, outcome = asyncio.run(measure(asked, found))
    grows = {
        name: growth(samples, name)
        for name in ("memory_mb", "decoders_mb", "handles", "connections", "database_mb", "p99_ms")
    }
    for figure, slope in grows.items():
        print(f"{figure:12} grows by {slope:g} an hour")
    print(f"{outcome['images']} images, {outcome['not_judged']} not judged, {len(outcome['faults'])} faults")
    if asked.plot:
        asked.plot.write_bytes(draw(samples))
    print(
        json.dumps(
            {"benchmark": "soak", **outcome, "grows": grows, "samples": [asdict(one) for one in samples]}
        )
    )


if __name__ == "__main__":
    main()
