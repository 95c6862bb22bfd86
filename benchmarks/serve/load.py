"""Open-loop load: films come when they come, however long the answers take."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from benchmarks.scale.calling import Caller, Full, Superseded
from tests.live import Live

IDLE_SECONDS = 3.0
"""A connection that has been idle for longer is made anew: the server closes it after five."""


@dataclass
class Answers:
    """What became of the films of one load."""

    seconds: float
    waits: list[float] = field(default_factory=list)
    """From when a film was due to its finding."""
    full: list[int] = field(default_factory=list)
    """What those were told that came when too many waited: the seconds to come back in."""

    superseded: int = 0
    """Those that were judged while another model was promoted."""

    @property
    def figures(self) -> dict[str, float]:
        p50, p99 = np.percentile(self.waits, [50, 99]) * 1000
        found = {"judged": len(self.waits), "refused": len(self.full)}
        return found | {"p50_ms": round(float(p50), 1), "p99_ms": round(float(p99), 1)}


class Clients:
    """Connections that are kept, and more of them as they are needed."""

    def __init__(self, live: Live, films: Iterator[bytes]) -> None:
        self._live, self._films = live, films
        self._idle: list[tuple[float, Caller]] = []

    async def open(self, rate: float, seconds: float) -> Answers:
        """Send so many a second on average, by chance (Poisson), for so long; wait for every answer."""
        answers, chance = Answers(seconds), np.random.default_rng(7)
        async with asyncio.TaskGroup() as group:
            due, end = perf_counter(), perf_counter() + seconds
            while (due := due + chance.exponential(1 / rate)) < end:
                await asyncio.sleep(max(0.0, due - perf_counter()))
                group.create_task(self._send(due, answers))
        return answers

    async def closed(self, clients: int, seconds: float) -> Answers:
        """So many clients, each of which sends again when it has its finding."""
        answers, end = Answers(seconds), perf_counter() + seconds

        async def one() -> None:
            while (now := perf_counter()) < end:
                await self._send(now, answers)

        async with asyncio.TaskGroup() as group:
            for _ in range(clients):
                group.create_task(one())
        answers.seconds = perf_counter() - end + seconds
        return answers

    async def _send(self, due: float, answers: Answers) -> None:
        caller = await self._connection()
        try:
            await caller.upload(next(self._films), wait_seconds=60)
            answers.waits.append(perf_counter() - due)
        except Full as full:
            answers.full.append(full.retry_after)
        except Superseded:
            answers.superseded += 1
        self._idle.append((perf_counter(), caller))

    async def _connection(self) -> Caller:
        while self._idle:
            since, caller = self._idle.pop()
            if perf_counter() - since < IDLE_SECONDS:
                return caller
            await caller.__aexit__()
        return await Caller(self._live).__aenter__()

    async def close(self) -> None:
        for _, caller in self._idle:
            await caller.__aexit__()
