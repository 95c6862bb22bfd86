"""What one server adds to the bare model: `make bench-serve`.

A server of its own, with the real model, on SQLite, is sent real films over loopback, each of which waits for
its finding. First by clients that send again as soon as they are answered, which tells its capacity; then
open-loop, films that come by chance, at shares of it. Before the first and behind it, since machines drift,
the bare model is measured: the same films, in memory, by the same code, in a process without a server, while
that stands idle. Last, one client sends one film at a time while a retraining of head C on 5,000 images goes
on and stands still, in turns.

Held is how long something kept the event loop, lock and all; a loop that got no core from the kernel is not
held. What was accepted is counted against what was judged. Ends with a line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.scale.calling import films
from benchmarks.scale.cpu import resident
from benchmarks.scale.people import sign_in
from benchmarks.serve.bare import films_in
from benchmarks.serve.beside import training
from benchmarks.serve.load import Answers, Clients
from store.database import open_database
from store.tables import Image, Prediction, Role
from tests.live import ROOT, Live, prepared, wait_until_ready

CLIENTS = 8
"""Which send without a pause, to learn the capacity."""
QUEUE_SECONDS = 5
"""Of work may wait beyond capacity."""
TURNS = 6
LOADS = (0.5, 0.8, 1.2)


@dataclass
class Watch:
    """How much memory a server held, and how long its event loop stood still, since this was made."""

    pid: int
    notes: Path
    began: float = field(default_factory=perf_counter)
    memory: list[int] = field(default_factory=list)

    async def measure(self) -> None:
        while True:
            self.memory.append(resident([self.pid]))
            await asyncio.sleep(0.5)

    def held(self) -> list[float]:
        """Milliseconds."""
        rows = (line.split() for line in self.notes.read_text().splitlines())
        return [float(held) * 1000 for at, held, _ in rows if float(at) >= self.began]

    @property
    def figures(self) -> dict[str, float]:
        held, (first, last) = sorted(self.held()), (self.memory[0], self.memory[-1])
        longest = held[-1] if held else 0.0
        over = sum(one > 20 for one in held)
        return {
            "longest_held_ms": round(longest, 1),
            "held_over_20_ms": over,
            "memory_mb": round(last / 2**20),
            "memory_grew_mb": round((last - first) / 2**20),
        }


@dataclass
class Bench:
    """One server under load."""

    live: Live
    pid: int
    notes: Path
    seconds: float
    clients: Clients

    async def capacity(self) -> float:
        await self.clients.closed(CLIENTS, self.seconds / 4)  # whatever runs for the first time
        answers = await self.clients.closed(CLIENTS, self.seconds)
        return len(answers.waits) / answers.seconds

    async def loaded(self, rate: float) -> dict[str, Any]:
        """A load, and what became of it."""
        watch = Watch(self.pid, self.notes)
        measuring = asyncio.create_task(watch.measure())
        began = perf_counter()
        answers = await self.clients.open(rate, self.seconds)
        taken = perf_counter() - began
        measuring.cancel()
        found = {"offered_per_second": round(rate, 2), "per_second": round(len(answers.waits) / taken, 2)}
        return found | answers.figures | watch.figures | _told(answers)

    async def beside(self, folder: Path, images: int) -> dict[str, Any]:
        """One film at a time with a training beside it and without, in turns."""
        waits: dict[str, list[float]] = {"alone": [], "beside": []}
        say(f"one at a time, and a training on {images} images beside it")
        with training(folder, images) as trainer:
            for _ in range(TURNS):
                waits["alone"] += (await self.clients.closed(1, self.seconds / 2)).waits
                with trainer.at_work():
                    waits["beside"] += (await self.clients.closed(1, self.seconds / 2)).waits
        found: dict[str, Any] = {}
        for name, taken in waits.items():
            p50, p99 = np.percentile(taken, [50, 99]) * 1000
            found |= {f"{name}_p50_ms": round(float(p50), 1), f"{name}_p99_ms": round(float(p99), 1)}
        ratios = {key: found[f"beside_{key}_ms"] / found[f"alone_{key}_ms"] for key in ("p50", "p99")}
        return found | {f"{key}_ratio": round(ratio, 3) for key, ratio in ratios.items()}

    async def lost(self) -> int:
        """Images that were taken and have no prediction."""
        async with open_database(self.live.database):
            return await Image.all().count() - await Prediction.all().count()


def _told(answers: Answers) -> dict[str, float]:
    return {"told_to_wait_s": float(np.median(answers.full))} if answers.full else {}


def say(what: str) -> None:
    print(f"  {what} …", file=sys.stderr, flush=True)


def bare(folder: Path, images: Path, seconds: float) -> dict[str, float]:
    """The bare model's figures."""
    say("the bare model")
    command = [sys.executable, "-m", "benchmarks.serve.bare", str(folder), str(images), str(seconds)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


@contextmanager
def server(folder: Path, **settings: str) -> Iterator[tuple[Live, int, Path]]:
    """A server that notes its pauses, its process and the notes."""
    live = prepared(folder / "data", points_per_minute="0", log_level="warning", **settings)
    notes = folder / "pauses"
    command = [sys.executable, "-m", "benchmarks.serve.program", str(notes), "serve"]
    with subprocess.Popen(command, cwd=ROOT, env=live.environment, stdout=subprocess.DEVNULL) as process:
        try:
            wait_until_ready(process, live.port)
            yield live, process.pid, notes
        finally:
            process.terminate()
            process.wait(60)


async def measure(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    endless, bare_model = films(films_in(asked.images)), (folder / "data", asked.images, asked.seconds / 2)
    before = bare(*bare_model)
    limit = str(max(8, round(before["per_second"] * QUEUE_SECONDS)))
    found: dict[str, Any] = {"queue_limit": int(limit), "loads": {}}
    with server(folder, queue_limit=limit) as (live, pid, notes):
        (token,) = await sign_in(live.database, Role.MEMBER, 1)
        bench = Bench(live, pid, notes, asked.seconds, Clients(live.as_user(token), endless))
        say("capacity")
        found["capacity_per_second"] = round(await bench.capacity(), 2)
        after = bare(*bare_model)
        for share in LOADS:
            say(f"{share} of capacity")
            found["loads"][str(share)] = await bench.loaded(share * found["capacity_per_second"])
        found["lost"] = await bench.lost()
        found["training"] = await bench.beside(folder / "training", asked.training_images)
        await bench.clients.close()
    found["bare"] = {key: round((before[key] + after[key]) / 2, 2) for key in before}
    found["share_of_bare"] = round(found["capacity_per_second"] / found["bare"]["per_second"], 3)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each load")
    parser.add_argument("--training-images", type=int, default=5000)
    parser.add_argument("--images", type=Path, default=Path("../shared/cxr-b"))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="covidxr-serve-") as name:
        found = asyncio.run(measure(asked, Path(name)))
    show(found)
    given = {"benchmark": "serve", "seconds": asked.seconds, "cores": os.cpu_count()}
    print(json.dumps(given | found))


def show(found: dict[str, Any]) -> None:
    """The table for people."""
    model, training_figures = found["bare"], found["training"]
    print(f"bare model   forward pass p50 {model['forward_p50_ms']} ms, p99 {model['forward_p99_ms']} ms")
    print(f"             bytes to finding p50 {model['finding_p50_ms']} ms, p99 {model['finding_p99_ms']} ms")
    print(f"             {model['per_second']} films a second with two threads that prepare")
    print(f"server       {found['capacity_per_second']} a second, {found['share_of_bare']:.0%} of that")
    print(f"{'load':>5} {'a second':>9} {'p50 ms':>8} {'p99 ms':>8} {'refused':>8} {'held ms':>8} {'MB':>6}")
    for share, load in found["loads"].items():
        figures = [load[key] for key in ("per_second", "p50_ms", "p99_ms", "refused", "longest_held_ms")]
        print(f"{share:>5} " + " ".join(f"{one:>8}" for one in [*figures, load["memory_mb"]]))
    print(f"taken and not judged: {found['lost']}")
    for name in ("alone", "beside"):
        p50, p99 = (training_figures[f"{name}_{key}_ms"] for key in ("p50", "p99"))
        print(f"one at a time, {name:7} p50 {p50} ms, p99 {p99} ms")
    print(f"with a training beside it p99 is {training_figures['p99_ratio']} times that without")


if __name__ == "__main__":
    main()
