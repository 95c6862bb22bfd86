"""Several processes as one platform, on loopback: servers that answer, workers that work."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.live import COVIDXR, ROOT, Live, prepared, wait_until_ready

SECRET = "a secret of the tests' own, and long enough"
STOPPING_SECONDS = 30


@dataclass
class Fleet:
    """Servers that are ready, and workers, of which some may have been killed."""

    folder: Path
    settings: dict[str, str]
    program: Sequence[str]
    servers: list[Live] = field(default_factory=list)
    serving: list[subprocess.Popen[bytes]] = field(default_factory=list)
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    working: list[Live] = field(default_factory=list)

    def start_server(self, **environment: str) -> None:
        """Begin to start one more, with more in its environment; see `wait_until_ready`."""
        live = self._prepared(f"server {len(self.servers)}", environment)
        self.servers.append(live)
        self.serving.append(self._start("serve", live))

    def start_worker(self, **environment: str) -> None:
        """Begin to start one more, which tells of itself on its port; see `wait_until_working`."""
        live = self._prepared(f"worker {len(self.workers)}", environment)
        live.environment["COVIDXR_HEALTH_PORT"] = str(live.port)
        self.working.append(live)
        self.workers.append(self._start("worker", live))

    def _prepared(self, name: str, environment: dict[str, str]) -> Live:
        live = prepared(self.folder / name, **self.settings)
        live.environment.update(environment)
        return live

    def restart_server(self, number: int) -> None:
        """As an operator does it; until it answers again."""
        self._end(self.serving[number])
        self.serving[number] = self._start("serve", self.servers[number])
        wait_until_ready(self.serving[number], self.servers[number].port)

    def restart_worker(self, number: int) -> None:
        """As an operator does it; it may take seconds until it works."""
        self._end(self.workers[number])
        self.start_worker_again(number)

    def start_worker_again(self, number: int) -> None:
        """One that has ended."""
        self.workers[number] = self._start("worker", self.working[number])

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        process.terminate()
        status = process.wait(STOPPING_SECONDS)
        assert status == 0, f"a process ended with status {status} when it was told to"

    def _start(self, command: str, live: Live) -> subprocess.Popen[bytes]:
        return subprocess.Popen([*self.program, command], cwd=ROOT, env=live.environment)

    def wait_until_ready(self) -> None:
        """Until every server answers."""
        for process, live in zip(self.serving, self.servers, strict=True):
            wait_until_ready(process, live.port)

    def wait_until_working(self) -> None:
        """Until every worker works."""
        for process, live in zip(self.workers, self.working, strict=True):
            wait_until_ready(process, live.port)

    def stop(self) -> None:
        """As an operator stops them, all at once."""
        processes = [*self.serving, *self.workers]
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(STOPPING_SECONDS)


def shared(database: str, blobs: str, events: str, **others: str) -> dict[str, str]:
    """The settings that make processes one platform."""
    return {
        "database_url": database,
        "blobs_url": blobs,
        "events_url": events,
        "secret_key": SECRET,
        **others,
    }


@contextmanager
def fleet(
    folder: Path, settings: dict[str, str], servers: int, workers: int, program: Sequence[str] = COVIDXR
) -> Iterator[Fleet]:
    """So many of each, ready, as long as the context lasts."""
    found = Fleet(folder, settings, program)
    with ExitStack() as stack:
        stack.callback(found.stop)
        for _ in range(servers):
            found.start_server()
        for _ in range(workers):
            found.start_worker()
        found.wait_until_ready()
        yield found
