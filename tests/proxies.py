"""HAProxy in front of two servers, by the configuration that is shipped."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

import httpx

from tests.live import IN_THE_CLEAR, ROOT, free_port
from tests.missing import missing

CONFIGURATION = ROOT / "deploy" / "haproxy.cfg"


@dataclass(frozen=True)
class Proxy:
    """Where clients come, and where it tells of itself."""

    port: int
    status_port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def in_service(self) -> set[str]:
        """The names of the servers, "a" and "b", to which it sends what comes."""
        try:
            table = httpx.get(f"http://127.0.0.1:{self.status_port}/;csv", verify=IN_THE_CLEAR).text
        except httpx.TransportError:  # it has not begun
            return set()
        rows = csv.DictReader(table.removeprefix("# ").splitlines())
        up = [row for row in rows if row["pxname"] == "ready" and row["status"].startswith("UP")]
        return {row["svname"] for row in up} - {"BACKEND"}


class Listening(Protocol):
    """Whatever has a port of this machine."""

    @property
    def port(self) -> int: ...


def haproxy() -> str:
    """The program; skips by name, or fails under CI, where it is not installed."""
    found = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
    return found or missing("no haproxy: apt-get install haproxy")


def certified(folder: Path) -> Path:
    """A file with a certificate of this machine and its key; ``certificate`` beside it has no key."""
    made = "req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost"
    names = "subjectAltName=IP:127.0.0.1,DNS:localhost"
    files = ["-keyout", folder / "key", "-out", folder / "certificate"]
    subprocess.run(["openssl", *made.split(), "-addext", names, *files], check=True, capture_output=True)
    both = folder / "both.pem"
    both.write_bytes((folder / "certificate").read_bytes() + (folder / "key").read_bytes())
    return both


@contextmanager
def proxy(
    a: Listening, b: Listening, log: int | IO[bytes] = subprocess.DEVNULL, **more: str
) -> Iterator[Proxy]:
    """HAProxy before two servers, with more in its environment; its log goes where the caller says."""
    found = Proxy(free_port(), free_port())
    environment = {
        "LISTEN": f"127.0.0.1:{found.port}",
        "STATUS": f"127.0.0.1:{found.status_port}",
        "SERVER_A": f"127.0.0.1:{a.port}",
        "SERVER_B": f"127.0.0.1:{b.port}",
        **more,
    }
    command = [haproxy(), "-db", "-f", str(CONFIGURATION)]
    with subprocess.Popen(command, env=environment, stdout=log) as process:
        try:
            yield found
        finally:
            process.kill()
