"""Ours and its peers, each one process on a port of its own, on the same database."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx

from tests.brokers import broker
from tests.fleet import fleet, shared
from tests.live import ROOT, free_port

FOLDER = Path(__file__).parent / "peers"
PYTHON = ROOT / ".venv-graphql" / "bin" / "python"
MODULES = FOLDER / "node_modules"
START_SECONDS = 30

OURS = "COVID-XR"
PACKAGES = ("strawberry-graphql", "graphql-core", "starlette", "uvicorn", "tortoise-orm", "aiomysql")


@dataclass(frozen=True)
class Peer:
    """How to start one; ``job`` is what it is told besides port, database and folder."""

    command: tuple[str, ...]
    needs: Path
    """What is there where it is installed."""
    job: tuple[tuple[str, bool], ...] = ()


def _on_python(module: str, **job: bool) -> Peer:
    return Peer((str(PYTHON), "-m", f"benchmarks.graphql_peers.peers.{module}"), PYTHON, tuple(job.items()))


def _on_node(file: str) -> Peer:
    return Peer(("node", str(FOLDER / file)), MODULES)


PEERS = {
    "Ariadne": _on_python("ariadne_server"),
    "Ariadne, keeping documents": _on_python("ariadne_server", keeps_documents=True),
    "Graphene": _on_python("graphene_server"),
    "Apollo Server": _on_node("apollo.js"),
    "Mercurius": _on_node("mercurius.js"),
}
ON_PYTHON = tuple(name for name, peer in PEERS.items() if peer.needs == PYTHON)


@dataclass(frozen=True)
class Server:
    """One that answers."""

    port: int
    pid: int
    versions: dict[str, str]


class Unable(Exception):
    """A peer cannot take part, for this reason."""


@contextmanager
def ours(folder: Path, database: str) -> Iterator[Server]:
    """One server of the platform that answers alone: no worker does what its events ask for."""
    with broker(folder) as events:
        # No limits, and no line for each operation: the others have neither.
        plain = {"points_per_minute": "0", "queue_limit": "0", "log_level": "warning"}
        settings = shared(database, f"file://{folder / 'blobs'}", events.url(), **plain)
        with fleet(folder, settings, servers=1, workers=0) as running:
            versions = {name: version(name) for name in PACKAGES}
            yield Server(running.servers[0].port, running.serving[0].pid, versions)


@contextmanager
def peer(name: str, folder: Path, database: str) -> Iterator[Server]:
    """One of `PEERS`, ready to be asked; its files lie in the folder.

    Raises:
        Unable: it is not installed, or does not start.
    """
    one, port = PEERS[name], free_port()
    if not one.needs.exists():
        raise Unable(f"`make bench-graphql` installs {one.needs.relative_to(ROOT)}, which is not there")
    files = folder / name
    files.mkdir()
    job = {"port": port, "database": connection(database), "folder": str(files), **dict(one.job)}
    environment = {**os.environ, "NODE_ENV": "production"}
    command = [*one.command, json.dumps(job)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            if not (said := process.stdout.readline()):
                raise Unable("it has ended before it could be asked; what it said is above")
            _wait_until_it_answers(process, port)
            yield Server(port, process.pid, json.loads(said))
        finally:
            process.terminate()


def connection(database: str) -> dict[str, str | int]:
    """A database's URL as the drivers of the peers take it."""
    url = urlsplit(database)
    return {
        "host": url.hostname or "127.0.0.1",
        "port": url.port or 3306,
        "user": unquote(url.username or ""),
        "password": unquote(url.password or ""),
        "database": url.path.strip("/"),
    }


def _wait_until_it_answers(process: subprocess.Popen[str], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.post(
                f"http://127.0.0.1:{port}/graphql", json={"query": "{ __typename }"}
            ).raise_for_status()
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise Unable("it does not answer")
