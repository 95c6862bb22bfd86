"""Odd inputs made of good ones; the same number gives the same bytes."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence

LONGEST = 1 << 21
"""Bytes; a mutation may double what it repeats."""
NUMBERS = (0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 63, 64, 127, 128, 255, 256, 1023, 4095, 32767, 32768, 65535)
NUMBERS += (65536, 2**31 - 1, 2**31, 2**32 - 1)
MOST_STEPS = 6


def mutated(seeds: Sequence[bytes], tokens: Sequence[bytes], chance: random.Random) -> bytes:
    """One of the seeds after some steps, each of which changes a place, or gives it to another seed's end."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.randint(1, MOST_STEPS)):
        if not data:
            break
        if tokens and chance.random() < 0.3:
            _token(data, tokens, chance)
        elif chance.random() < 0.05:
            _splice(data, chance.choice(seeds), chance)
        else:
            chance.choice(STEPS)(data, chance)
    return bytes(data[:LONGEST])


def _place(data: bytearray, chance: random.Random) -> int:
    """Anywhere, but half of the time near the beginning, where headers are."""
    end = min(len(data), 512) if chance.random() < 0.5 else len(data)
    return chance.randrange(end)


def _length(data: bytearray, chance: random.Random) -> int:
    return min(len(data), chance.choice((1, 2, 4, 16, 64, 1 + len(data) // 8)))


def _flip(data: bytearray, chance: random.Random) -> None:
    data[_place(data, chance)] ^= 1 << chance.randrange(8)


def _byte(data: bytearray, chance: random.Random) -> None:
    data[_place(data, chance)] = chance.randrange(256)


def _number(data: bytearray, chance: random.Random) -> None:
    form = chance.choice(("B", "<H", ">H", "<I", ">I"))
    size = struct.calcsize(form)
    at = _place(data, chance)
    if at + size <= len(data):
        struct.pack_into(form, data, at, chance.choice(NUMBERS) % 256**size)


def _remove(data: bytearray, chance: random.Random) -> None:
    at = _place(data, chance)
    del data[at : at + _length(data, chance)]


def _repeat(data: bytearray, chance: random.Random) -> None:
    at = _place(data, chance)
    some = data[at : at + _length(data, chance)]
    data[at:at] = some * chance.choice((1, 1, 2, 16))


def _move(data: bytearray, chance: random.Random) -> None:
    at, length = _place(data, chance), _length(data, chance)
    to = _place(data, chance)
    data[to : to + length] = data[at : at + length]


def _insert(data: bytearray, chance: random.Random) -> None:
    at = _place(data, chance)
    data[at:at] = chance.randbytes(chance.choice((1, 2, 4, 8)))


def _cut(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data)) :]


def _token(data: bytearray, tokens: Sequence[bytes], chance: random.Random) -> None:
    at = _place(data, chance)
    data[at : at + chance.choice((0, 0, 1, 4))] = chance.choice(tokens)


def _splice(data: bytearray, other: bytes, chance: random.Random) -> None:
    data[_place(data, chance) :] = other[chance.randrange(len(other) or 1) :]


STEPS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    *(_flip, _flip, _byte, _number, _number, _remove, _repeat, _move, _insert),
    _cut,
)
