"""What GraphQL costs beside peers: `make bench-graphql`, or `python -m benchmarks.graphql_peers --help`.

Four questions: `{ __typename }`, which reads nothing but who asks; a small query, of one row; a list of
twenty images in three levels, image, prediction and label, model and user, by batched look-ups; and the
upload of a file of 50 kB by the multipart request specification, without inference.

Each server is one process, in its production mode, with what its users would write: uvicorn with uvloop and
httptools under all on Python; Ariadne with its own ASGI application; Graphene with starlette-graphene3;
Apollo Server on Express; Mercurius with its JIT and its loaders. Ariadne takes part twice, as it comes and
with hooks that keep parsed and validated documents, as Apollo, Mercurius and ours do by themselves. All
serve the same part of the schema from the same MariaDB or MySQL (`COVIDXR_TEST_MYSQL`, else on loopback),
by at most 20 connections. Each request carries a bearer token, which each server looks up in the database
each time.

The peers have it easier than ours: they send hand-written SQL of the few columns that they need by the
fastest driver that is usual, ours asks an ORM for whole rows; they have seven types, ours has all. They
check no limits, price nothing, and answer uploads without a look into the file: they write it, then its row
with a SHA-256. Ours strips what names the patient, decodes the picture to see that it is one, takes a
fingerprint of it, looks whether it was uploaded before, waits until it is on the disk, and commits the row
together with an event, which it publishes to a NATS server. Nobody works on these events: no inference takes
part.

Before anything is timed, the data of each peer's answers is compared with ours. One client process asks
over 8 connections that are kept, each with one request under way at a time; the servers take turns, in
another order each round. Told are the median and the best round's requests a second, the median of the
rounds' p50 and p99, and the milliseconds of a core that the server's process spent on a request. Ratios are
of medians: of requests a second, in which the database and the client on the same cores have their share, and
of the server's own time. A peer that is not installed is left out by name. Ends with a line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import uvloop

from benchmarks.asking import CONNECTIONS, Measured, measure
from benchmarks.graphql_peers.questions import QUESTIONS, Asker, made_up_film, taken
from benchmarks.graphql_peers.rows import fill
from benchmarks.graphql_peers.servers import ON_PYTHON, OURS, PEERS, Server, Unable, ours, peer
from benchmarks.scale.calling import films
from benchmarks.scale.cpu import Meter
from tests.databases import own_mysql


@dataclass
class Rounds:
    """Of one question to one server."""

    measured: list[Measured] = field(default_factory=list)
    core_ms: list[float] = field(default_factory=list)

    @property
    def figures(self) -> dict[str, float]:
        rates = [one.per_second for one in self.measured]
        return {
            "per_second": round(median(rates), 1),
            "best_per_second": round(max(rates), 1),
            "p50_ms": round(median(one.p50_ms for one in self.measured), 3),
            "p99_ms": round(median(one.p99_ms for one in self.measured), 3),
            "core_ms": round(median(self.core_ms), 3),
        }


Found = dict[str, dict[str, dict[str, float]]]
"""Figures by question and server."""


def compare_answers(servers: dict[str, Server], asker: Asker) -> None:
    """Whether every server says what ours says, and of an upload what the file's own SHA-256 is.

    Raises:
        AssertionError: one says something else.
    """
    uploads = films([asker.film])
    for question in QUESTIONS:
        for name, server in servers.items():
            film = next(uploads)
            said = asker.answer(question, server.port, film)
            expected = (
                taken(film) if question == "upload" else asker.answer(question, servers[OURS].port, film)
            )
            assert said == expected, f"{name} answers {question} with {said} in place of {expected}"


def turns(servers: dict[str, Server], asker: Asker, asked: argparse.Namespace) -> Found:
    """Everyone's turns, by question."""
    found = {question: {name: Rounds() for name in servers} for question in asked.questions}
    names = list(servers)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for number in range(asked.rounds):
            for question in asked.questions:
                for name in names[number % len(names) :] + names[: number % len(names)]:
                    server, rounds = servers[name], found[question][name]
                    requests = asker.requests(question, server.port)
                    meter = Meter({name: [server.pid]})
                    one = runner.run(measure(server.port, requests, asked.seconds))
                    rounds.measured.append(one)
                    spent = meter.spent()
                    rounds.core_ms.append(1000 * spent.cores[name] / one.per_second)
    return {
        question: {name: one.figures for name, one in servers.items()} for question, servers in found.items()
    }


def ratios(figures: dict[str, dict[str, float]]) -> dict[str, float]:
    """Ours to each: requests a second, so that 2 is twice as fast."""
    mine = figures[OURS]["per_second"]
    return {name: round(mine / one["per_second"], 3) for name, one in figures.items() if name != OURS}


def core_ratios(figures: dict[str, dict[str, float]]) -> dict[str, float]:
    """Each to ours: time of a core for a request, so that 2 is twice as fast, too."""
    mine = figures[OURS]["core_ms"]
    return {name: round(one["core_ms"] / mine, 3) for name, one in figures.items() if name != OURS}


def fastest_on_python(figures: dict[str, dict[str, float]]) -> str | None:
    """Of the peers; None where none takes part."""
    there = [name for name in ON_PYTHON if name in figures]
    return max(there, key=lambda name: figures[name]["per_second"], default=None)


def show(found: Found) -> None:
    """A table for people, the fastest first."""
    columns = ("a second", "best", "p50 ms", "p99 ms", "core ms", "ours is", "per core")
    for question, figures in found.items():
        print(f"\n{question:30} " + " ".join(f"{column:>9}" for column in columns))
        ours_to = ratios(figures), core_ratios(figures)
        for name in sorted(figures, key=lambda name: -figures[name]["per_second"]):
            one, times = figures[name], [f"{ratio[name]:.2f} x" for ratio in ours_to if name in ratio]
            print(
                f"{name:30} {one['per_second']:9.0f} {one['best_per_second']:9.0f} {one['p50_ms']:9.2f} "
                f"{one['p99_ms']:9.2f} {one['core_ms']:9.3f} " + " ".join(f"{time:>9}" for time in times)
            )


def compare(asked: argparse.Namespace) -> dict[str, Any]:
    """Start, fill, compare, time."""
    left_out: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        folder, database = Path(temporary), stack.enter_context(own_mysql())
        servers = {OURS: stack.enter_context(ours(folder, database))}
        asker = Asker(asyncio.run(fill(database)), made_up_film())
        for name in asked.peers:
            try:
                servers[name] = stack.enter_context(peer(name, folder, database))
            except Unable as reason:
                left_out[name] = str(reason)
                print(f"Left out: {name}: {reason}")
        compare_answers(servers, asker)
        found = turns(servers, asker, asked)
    return {
        "connections": CONNECTIONS,
        "cores": os.cpu_count(),
        "versions": {name: server.versions for name, server in servers.items()},
        "left_out": left_out,
        "questions": found,
        "fastest_on_python": {question: fastest_on_python(figures) for question, figures in found.items()},
        "ours_to": {question: ratios(figures) for question, figures in found.items()},
        "ours_to_per_core": {question: core_ratios(figures) for question, figures in found.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--seconds", type=float, default=2.0, help="of each measurement, after a quarter to warm up"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--questions", nargs="+", choices=QUESTIONS, default=QUESTIONS)
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    answer = compare(parser.parse_args())
    for name, versions in answer["versions"].items():
        print(f"{name}: {', '.join(f'{package} {version}' for package, version in versions.items())}")
    show(answer["questions"])
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
