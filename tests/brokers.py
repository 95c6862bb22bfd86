"""A NATS server of the tests' own, which they may stop, kill and start again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from tests.live import ROOT, free_port

START_SECONDS = 30
NATS_SERVER = Path(sys.executable).with_name("nats-server")
CONFIGURATION = """
listen: 127.0.0.1:{port}
http: 127.0.0.1:{monitoring}
jetstream {{ store_dir: "{folder}", sync_interval: always }}
"""


class Broker:
    """One server on a port and a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.port, self.monitoring_port = free_port(), free_port()
        self._configuration = folder / "nats.conf"
        text = CONFIGURATION.format(
            port=self.port, monitoring=self.monitoring_port, folder=folder / "jetstream"
        )
        self._configuration.write_text(text)
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, stream: str = "") -> str:
        """The settings' URL of a stream, by default one that nobody has."""
        return f"nats://127.0.0.1:{self.port}/{stream or f'test_{uuid4().hex[:12]}'}"

    @property
    def pid(self) -> int:
        """The id of its process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        command = [str(NATS_SERVER), "--config", str(self._configuration)]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert time.monotonic() < deadline, "the broker has not started"
            time.sleep(0.05)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        """SIGTERM: it says goodbye to its clients."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(10)

    def freeze(self) -> None:
        """SIGSTOP: connections stand, and nothing is answered once this returns."""
        os.kill(self.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOWAIT)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()


@contextmanager
def broker(folder: Path) -> Iterator[Broker]:
    """A server that runs as long as the context lasts."""
    one = Broker(folder)
    one.start()
    try:
        yield one
    finally:
        one.kill()


@contextmanager
def shipped_broker(folder: Path, password: str) -> Iterator[tuple[int, int]]:
    """The ports, for clients and for monitoring, of one with the configuration that is shipped."""
    client, monitoring = free_port(), free_port()
    text = (ROOT / "deploy" / "nats.conf").read_text()
    for there, here in {
        "0.0.0.0:4222": f"127.0.0.1:{client}",
        "127.0.0.1:8222": f"127.0.0.1:{monitoring}",
        "store_dir: /data": f'store_dir: "{folder}/data"',
    }.items():
        assert there in text
        text = text.replace(there, here)
    (folder / "nats.conf").write_text(text)
    command = [str(NATS_SERVER), "--config", str(folder / "nats.conf")]
    environment = {**os.environ, "NATS_PASSWORD": password}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as one:
        try:
            yield client, monitoring
        finally:
            one.kill()
