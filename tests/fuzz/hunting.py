"""Inputs tried one after the other in a process of their own, which may end, hang or grow over one."""

from __future__ import annotations

import hashlib
import logging
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

from tests.fuzz.mutation import mutated
from tests.fuzz.target import Target, Try

SLOW_SECONDS = 2.0
"""Of a processor's time for one input."""
HUNG_SECONDS = 30.0
"""Of anybody's time, after which nothing more is expected."""
STARTING_SECONDS = 120.0
MEGABYTES = 500
"""More than a process had before."""
NONE_YET = -1


@dataclass
class Hunt:
    """What came of a target; what is wrong stands by the SHA-256 of its input."""

    target: str
    inputs: int = 0
    taken: int = 0
    seconds: float = 0.0
    findings: dict[str, str] = field(default_factory=dict)

    @property
    def figures(self) -> dict[str, Any]:
        """For JSON."""
        return vars(self) | {"seconds": round(self.seconds, 1), "findings": len(self.findings)}


def inputs(target: Target, seed: str, first: int) -> Iterator[bytes]:
    """Those of a number and all after it; the same seed gives the same ones."""
    seeds = target.seeds()
    for number in count(first):
        yield mutated(seeds, target.tokens, random.Random(f"{target.name} {seed} {number}"))


def made(target: Target, seed: str, number: int) -> bytes:
    """The input of this number."""
    return next(inputs(target, seed, number))


def hunt(target: Target, seconds: float, seed: str, folder: Path) -> Hunt:
    """Try inputs for so long from the first on; findings are kept in the folder by their hash."""
    found, left, is_over = Hunt(target.name), seconds, False
    while left > 0 and not is_over:
        began = time.monotonic()
        tried, is_over = _live(found, target, left, seed, folder)
        # The first start is nobody's time, those after a finding are the hunt's.
        left -= time.monotonic() - began if found.seconds else tried
        found.seconds = seconds - left
    return found


def _live(found: Hunt, target: Target, seconds: float, seed: str, folder: Path) -> tuple[float, bool]:
    """One process; for how long it tried, and whether its time was over and no input a finding."""
    spawn = multiprocessing.get_context("spawn")
    at, taken = spawn.Value("q", NONE_YET), spawn.Value("q", 0)
    here, there = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_try_all, args=(target, found.inputs, seconds, seed, at, taken, there))
    process.start()
    there.close()
    try:
        wrong, tried = _followed(process, at, here)
    finally:
        process.kill()
        process.join()
    if at.value == NONE_YET:
        raise RuntimeError(f"{target.name}: nothing could be tried: {wrong}")
    found.inputs, found.taken = at.value, found.taken + taken.value
    if wrong is not None:
        _keep(found, made(target, seed, at.value), f"seed {seed}, number {at.value}", wrong, folder)
        found.inputs += 1
    return tried, wrong is None


def _keep(found: Hunt, data: bytes, origin: str, wrong: str, folder: Path) -> None:
    name, place = hashlib.sha256(data).hexdigest(), folder / found.target
    place.mkdir(parents=True, exist_ok=True)
    (place / name).write_bytes(data)
    (place / f"{name}.txt").write_text(f"{origin}\n{wrong}\n")
    found.findings[name] = wrong


def _followed(process: Any, at: Synchronized[int], here: Connection) -> tuple[str | None, float]:
    """What ended the process, None where its time was over, and for how long it tried."""
    began = since = time.monotonic()
    number = at.value
    while not here.poll(0.1):
        now = time.monotonic()
        if at.value != number:
            began = now if number == NONE_YET else began
            number, since = at.value, now
        patience = STARTING_SECONDS if number == NONE_YET else HUNG_SECONDS
        if now - since > patience:
            return f"hung for {patience:g} s", now - began
    try:
        wrong: str | None = here.recv()
    except EOFError:
        process.join()
        wrong = f"the process ended with status {process.exitcode}"
    return wrong, time.monotonic() - began


def _try_all(
    target: Target,
    first: int,
    seconds: float,
    seed: str,
    at: Synchronized[int],
    taken: Synchronized[int],
    there: Connection,
) -> None:
    logging.disable(logging.CRITICAL)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())  # libtiff tells of each bad code word
    with target.opened() as is_taken:
        is_taken(target.seeds()[0])  # so that what is made once is no finding
        until, most = time.monotonic() + seconds, _megabytes() + MEGABYTES
        for number, data in zip(count(first), inputs(target, seed, first), strict=False):
            at.value = number
            if wrong := _wrong_with(data, is_taken, taken, most):
                break
            if time.monotonic() > until:
                at.value = number + 1
                break
        there.send(wrong)


def _wrong_with(data: bytes, is_taken: Try, taken: Synchronized[int], most: int) -> str | None:
    began = time.process_time()
    try:
        taken.value += is_taken(data)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    if (took := time.process_time() - began) > SLOW_SECONDS:
        return f"took {took:.1f} s"
    return f"took more than {MEGABYTES} MB" if _megabytes() > most else None


def _megabytes() -> int:
    """The most that this process ever had. Not by getrusage, which counts what its parent had."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) >> 10
