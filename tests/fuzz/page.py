"""What a process that tries inputs writes down, and what is left of it when it has ended."""

from __future__ import annotations

from ctypes import Structure, addressof, c_char, c_double, c_uint64, memmove, sizeof, string_at
from mmap import mmap
from pathlib import Path

LONGEST = 1 << 21
"""Bytes of an input."""


class Page(Structure):
    """How many inputs were tried, how many of them were taken, since when, and the one at hand."""

    _fields_ = (
        *(("tried", c_uint64), ("taken", c_uint64), ("began", c_double), ("length", c_uint64)),
        ("room", c_char * LONGEST),
    )

    @classmethod
    def of(cls, file: Path) -> Page:
        with file.open("a+b") as opened:
            opened.truncate(sizeof(cls))
            return cls.from_buffer(mmap(opened.fileno(), 0))

    @property
    def at_hand(self) -> bytes:
        return string_at(addressof(self) + Page.room.offset, self.length)

    @at_hand.setter
    def at_hand(self, data: bytes) -> None:
        self.length = min(len(data), LONGEST)
        memmove(addressof(self) + Page.room.offset, data, self.length)
