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
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from urllib.parse import urlsplit

import httpx
import numpy as np

from tests.live import COVIDXR, ROOT, Live, serving
from tests.schema.test_limits import nested

CONNECTIONS = 8
EMAIL, PASSWORD = "admin@hospital.example", "of a benchmark alone"
QUERIES = {
    "typename": "{ __typename }",
    "viewer": "{ viewer { name } }",
    "model": "{ model { number head } }",
    "news": "{ news(first: 5) { nodes { title } } }",
}
SIGNED_IN = {"viewer"}
LEVELS, BOMBS = 25, 50
END = b"\r\n\r\n"


@dataclass(frozen=True)
class Measured:
    """Of one query to one server."""

    per_second: float
    p50_ms: float
    p99_ms: float


class Connection(asyncio.Protocol):
    """Sends a request again as soon as its answer is there."""

    def __init__(self, request: bytes, seconds: list[float]) -> None:
        self._request, self._seconds = request, seconds
        self._received = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(END)
        if end and len(body) >= _length(head):
            assert head.startswith(b"HTTP/1.1 200"), self._received
            assert b'"errors"' not in body, self._received
            self._seconds.append(perf_counter() - self._began)
            self._send()

    def _send(self) -> None:
        self._received = b""
        self._began = perf_counter()
        self.transport.write(self._request)


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])


def request_of(live: Live, query: str) -> bytes:
    """A whole request, as bytes."""
    body = json.dumps({"query": query}).encode()
    fields = {
        "Host": urlsplit(live.url).netloc,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        **live.headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST /graphql HTTP/1.1\r\n{head}\r\n".encode() + body


async def ask(live: Live, query: str, seconds: float) -> list[float]:
    """How long each answer took, of all that came within these seconds."""
    taken: list[float] = []
    request, loop = request_of(live, query), asyncio.get_running_loop()
    connections = [
        await loop.create_connection(lambda: Connection(request, taken), "127.0.0.1", live.port)
        for _ in range(CONNECTIONS)
    ]
    await asyncio.sleep(seconds)
    for transport, _ in connections:
        transport.abort()
    return taken


async def measure(live: Live, query: str, seconds: float) -> Measured:
    """After a warm-up of a quarter as long."""
    await ask(live, query, seconds / 4)
    taken = await ask(live, query, seconds)
    p50, p99 = np.percentile(taken, [50, 99]) * 1000
    return Measured(len(taken) / seconds, float(p50), float(p99))


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
                    one = asyncio.run(measure(pair[query in SIGNED_IN], text, seconds))
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
    asked = parser.parse_args()
    roots = {"beside": asked.beside.resolve()} if asked.beside else {}
    found = compare({**roots, "here": ROOT}, asked.seconds, asked.rounds)
    show(found)
    answer = {query: {name: vars(one) for name, one in servers.items()} for query, servers in found.items()}
    print(json.dumps({"connections": CONNECTIONS, "cores": os.cpu_count(), "queries": answer}))


if __name__ == "__main__":
    sys.exit(main())
