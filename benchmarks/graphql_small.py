"""How fast small queries are answered: `.venv/bin/python -m benchmarks.graphql_small [--beside ../older]`.

A server of its own, with the real model, is asked over HTTP/1.1 on loopback by this process: connections
that are kept alive, each with one request under way at a time. `--beside` names a checkout of another
commit, whose server is asked in turn. The best of some rounds counts. Then come documents whose fragments
double what they ask for with each of 25 levels, none of them sent before, and how long it takes to hear that
they are refused. Ends with a line of JSON.
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
from contextlib import ExitStack
from itertools import repeat
from pathlib import Path
from time import perf_counter

import httpx
import numpy as np

from benchmarks.asking import CONNECTIONS, Measured, measure, request_to
from tests.live import COVIDXR, ROOT, Live, serving
from tests.schema.test_limits import nested

EMAIL, PASSWORD = "admin@hospital.example", "of a benchmark alone"
QUERIES = {
    "typename": "{ __typename }",
    "viewer": "{ viewer { name } }",
    "model": "{ model { number head } }",
    "news": "{ news(first: 5) { nodes { title } } }",
}
SIGNED_IN = {"viewer"}
LEVELS, BOMBS = 25, 50


def asked(live: Live, query: str) -> Iterator[bytes]:
    """The same request again and again."""
    return repeat(request_to(live.port, json.dumps({"query": query}).encode(), live.headers))


def bomb(live: Live) -> Measured:
    """Of documents that are refused, one after the other, each of them new to the server."""
    taken = []
    with httpx.Client() as client:
        client.post(live.url, json={"query": "{ __typename }"})
        for number in range(BOMBS):
            query = f"query Bomb{number} {nested('%', 'id name', LEVELS)}"
            began = perf_counter()
            answer = client.post(live.url, json={"query": query})
            taken.append(perf_counter() - began)
            assert answer.json()["errors"][0]["extensions"]["limit"] == "FIELDS", answer.text
    p50, p99 = np.percentile(taken, [50, 99]) * 1000
    return Measured(BOMBS / sum(taken), float(p50), float(p99))


def signed_in(live: Live, root: Path) -> Live:
    """The same server, asked by an administrator."""
    command = [*COVIDXR, "create-admin", EMAIL]
    environment = {**live.environment, "COVIDXR_ADMIN_PASSWORD": PASSWORD}
    subprocess.run(command, cwd=root, env=environment, stdout=subprocess.DEVNULL, check=True)
    return asyncio.run(live.sign_in(EMAIL, PASSWORD))


def compare(roots: dict[str, Path], seconds: float, rounds: int) -> dict[str, dict[str, Measured]]:
    """Of each query the best round of each checkout's server; they take turns."""
    found: dict[str, dict[str, Measured]] = {query: {} for query in QUERIES}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        servers = {}
        for name, root in roots.items():
            data = Path(folder) / name / "data"
            data.parent.mkdir()
            nobody = stack.enter_context(serving(data, root, points_per_minute="0"))
            servers[name] = nobody, signed_in(nobody, root)
        for _ in range(rounds):
            for query, text in QUERIES.items():
                for name, pair in servers.items():
                    one = asyncio.run(measure(pair[0].port, asked(pair[query in SIGNED_IN], text), seconds))
                    best = found[query].get(name)
                    found[query][name] = max(one, best, key=lambda each: each.per_second) if best else one
        found["bomb"] = {name: bomb(nobody) for name, (nobody, _) in servers.items()}
    return found


def show(found: dict[str, dict[str, Measured]]) -> None:
    """A table for people."""
    print(f"{'query':10} {'checkout':10} {'a second':>9} {'p50 ms':>8} {'p99 ms':>8}")
    for query, servers in found.items():
        for name, one in servers.items():
            print(f"{query:10} {name:10} {one.per_second:9.0f} {one.p50_ms:8.2f} {one.p99_ms:8.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--beside", type=Path, help="a checkout of another commit, to be compared with")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    roots = {"beside": given.beside.resolve()} if given.beside else {}
    found = compare({**roots, "here": ROOT}, given.seconds, given.rounds)
    show(found)
    answer = {query: {name: vars(one) for name, one in servers.items()} for query, servers in found.items()}
    print(json.dumps({"connections": CONNECTIONS, "cores": os.cpu_count(), "queries": answer}))


if __name__ == "__main__":
    sys.exit(main())
