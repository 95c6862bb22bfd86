"""Which process computes how much and holds how much memory, by what the kernel counts."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

TICKS, PAGE_BYTES = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
DATABASES = {"mariadbd", "mysqld"}


@dataclass(frozen=True)
class Spent:
    """Core-seconds by group, in so many seconds."""

    core_seconds: dict[str, float]
    seconds: float

    @property
    def cores(self) -> dict[str, float]:
        """Cores that each group has kept busy; 2.0 are all of two."""
        return {name: spent / self.seconds for name, spent in self.core_seconds.items()}


class Meter:
    """Counts from when it was made."""

    def __init__(self, groups: Mapping[str, list[int]]) -> None:
        """``groups`` names process ids; a database server on this machine is found by its name."""
        known = {int(path.parent.name) for path in Path("/proc").glob("[0-9]*/comm") if _is_database(path)}
        self._groups = {**groups, "database": sorted(known)}
        self._began, self._before = perf_counter(), self._spent()

    def spent(self) -> Spent:
        """Since then."""
        seconds, after = perf_counter() - self._began, self._spent()
        return Spent({name: after[name] - self._before[name] for name in after}, seconds)

    def _spent(self) -> dict[str, float]:
        return {name: sum(map(_seconds, pids)) for name, pids in self._groups.items()}


def resident(pids: Sequence[int]) -> int:
    """Bytes of memory that these processes hold."""
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES for pid in pids)


def _is_database(comm: Path) -> bool:
    try:
        return comm.read_text().strip() in DATABASES
    except OSError:  # it has ended meanwhile
        return False


def _seconds(pid: int) -> float:
    """Of user and system time of a process; 0 once it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS
