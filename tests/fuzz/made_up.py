"""Targets that do what is a finding."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from tests.fuzz.target import Target, Try

GOOD, BAD = b"good", b"bad" * 9
_hog: list[bytes] = []


def raises() -> None:
    raise KeyError("odd")


def ends() -> None:
    os._exit(7)


def hangs() -> None:
    while True:
        pass


def grows() -> None:
    _hog.append(b"x" * (600 << 20))


@contextmanager
def doing(what: Callable[[], None]) -> Iterator[Try]:
    def taken(data: bytes) -> bool:
        if data != GOOD:
            what()
        return True

    yield taken


def seeds() -> list[bytes]:
    return [GOOD, BAD]


def target_that(what: Callable[[], None]) -> Target:
    """What it does for every input but one."""
    return Target("made up", partial(doing, what), seeds, (b"token",))
