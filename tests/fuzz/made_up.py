"""Targets that do what is a finding."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from tests.fuzz.target import Target, Try, Wrong

GOOD, BAD = b"good", b"bad" * 9
WORD = b"a token that is in no seed"
_hog: list[bytes] = []


def raises(data: bytes) -> None:
    raise KeyError("odd")


def answers(data: bytes) -> None:
    raise Wrong("of somebody else")


def ends(data: bytes) -> None:
    os._exit(7)


def dies(data: bytes) -> None:
    os.abort()


def hangs(data: bytes) -> None:
    while True:
        pass


def works(data: bytes) -> None:
    until = time.process_time() + 2.1
    while time.process_time() < until:
        pass


def grows(data: bytes) -> None:
    _hog.append(b"x" * (600 << 20))


def hides(data: bytes) -> None:
    """What nobody finds by chance, and who sees what is compared does."""
    if data[:8] == b"\x91\x0c\xd3\x7b\xe0\x55\xa8\x1f":
        raise KeyError("deep")


def reads(data: bytes) -> None:
    if WORD in data:
        raise KeyError("a token")


@contextmanager
def doing(what: Callable[[bytes], None]) -> Iterator[Try]:
    def taken(data: bytes) -> bool:
        if data and data != GOOD:
            what(data)
        return data == GOOD

    yield taken


def seeds() -> list[bytes]:
    return [GOOD, BAD]


TARGETS = {
    what.__name__: Target(what.__name__, partial(doing, what), seeds, ["tests"], (WORD,))
    for what in (raises, answers, ends, dies, hangs, works, grows, hides, reads)
}
