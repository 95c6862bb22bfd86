"""A MariaDB server of the tests' own, which they may stop, kill, freeze and start again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pymysql

from tests.live import free_port
from tests.missing import missing

START_SECONDS = 60
PATH = f"{os.environ['PATH']}:/usr/sbin"
OPTIONS = ("--no-defaults", f"--user={os.environ.get('USER', 'root')}")
CREATE = "CREATE DATABASE IF NOT EXISTS covidxr CHARACTER SET utf8mb4"


class MariaDb:
    """One server on a port and a folder of its own, whose root has no password."""

    def __init__(self, program: str, folder: Path, options: Sequence[str]) -> None:
        self.port = free_port()
        place = [*_places(folder), f"--socket={folder / 'socket'}"]
        network = ["--bind-address=127.0.0.1", f"--port={self.port}"]
        self._command = [program, *OPTIONS, *place, *network, "--innodb-buffer-pool-size=64M", *options]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The settings' URL of an empty database."""
        return f"mysql://root:@127.0.0.1:{self.port}/covidxr"

    def empty(self) -> None:
        """Make that database anew."""
        with self.connected() as connection:
            connection.cursor().execute("DROP DATABASE covidxr")
            connection.cursor().execute(CREATE)

    def connected(self, database: str | None = None) -> pymysql.Connection:
        return pymysql.connect(
            host="127.0.0.1",
            port=self.port,
            user="root",
            database=database,
            autocommit=True,
            ssl_disabled=True,
        )

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, "the database server has ended"
            assert time.monotonic() < deadline, "the database server has not started"
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            with self.connected() as connection:
                connection.cursor().execute(CREATE)
        except pymysql.err.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """SIGTERM: it says goodbye to its clients."""
        self._signal(signal.SIGTERM)
        self._ended()

    def kill(self) -> None:
        self._signal(signal.SIGKILL)
        self._ended()

    def freeze(self) -> None:
        """SIGSTOP: connections stand, and nothing is answered."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, sign: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(sign)

    def _ended(self) -> None:
        assert self._process is not None
        self._process.wait(60)


@contextmanager
def mariadb(folder: Path, *options: str) -> Iterator[MariaDb]:
    """A server as long as the context lasts; skips by name, or fails under CI, where it is not installed."""
    programs = [shutil.which(name, path=PATH) for name in ("mariadbd", "mariadb-install-db")]
    if not all(programs):
        missing("no mariadbd: apt-get install mariadb-server")
    server, install = map(str, programs)
    authentication = "--auth-root-authentication-method=normal"
    subprocess.run(
        [install, *OPTIONS, *_places(folder), authentication, "--skip-test-db"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
        timeout=120,
    )
    one = MariaDb(server, folder, options)
    one.start()
    try:
        yield one
    finally:
        one.thaw()
        one.kill()


def _places(folder: Path) -> list[str]:
    """Where it keeps its files; in /tmp, as it starts, it would remove those of every other server."""
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True)
    return [f"--datadir={folder / 'database'}", f"--tmpdir={temporary}"]
