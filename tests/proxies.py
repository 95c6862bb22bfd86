"""HAProxy in front of two servers, by the configuration that is shipped."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from tests.live import ROOT, Live, free_port
from tests.missing import missing

CONFIGURATION = ROOT / "deploy" / "haproxy.cfg"


@dataclass(frozen=True)
class Proxy:
    """Where clients come, and where it tells of itself."""

    port: int
    status_port: int

    def in_service(self) -> set[str]:
        """The names of the servers, "a" and "b", to which it sends what comes."""
        try:
            table = httpx.get(f"http://127.0.0.1:{self.status_port}/;csv").text
        except httpx.TransportError:  # it has not begun
            return set()
        rows = csv.DictReader(table.removeprefix("# ").splitlines())
        up = [row for row in rows if row["pxname"] == "ready" and row["status"].startswith("UP")]
        return {row["svname"] for row in up} - {"BACKEND"}


@contextmanager
def proxy(a: Live, b: Live) -> Iterator[Proxy]:
    """HAProxy before two servers; skips by name, or fails under CI, where it is not installed."""
    program = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        missing("no haproxy: apt-get install haproxy")
    found = Proxy(free_port(), free_port())
    environment = {
        "LISTEN": f"127.0.0.1:{found.port}",
        "STATUS": f"127.0.0.1:{found.status_port}",
        "SERVER_A": f"127.0.0.1:{a.port}",
        "SERVER_B": f"127.0.0.1:{b.port}",
    }
    command = [program, "-db", "-f", str(CONFIGURATION)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            yield found
        finally:
            process.kill()
