"""DICOM's data elements, walked one by one, whatever hangs between them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

MAX_ELEMENTS: Final = 65_536  # of a file, those of nested sequences of undefined length among them
MAX_DEPTH: Final = 64  # of such sequences

_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_UNDEFINED: Final = 0xFFFFFFFF
_LONG: Final = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())  # 4 bytes of length, after 2


class Encoding(NamedTuple):
    """How elements are written: "<" or ">", and whether each names its type."""

    order: str
    explicit: bool


LITTLE: Final = Encoding("<", True)
IMPLICIT: Final = Encoding("<", False)


class Element(NamedTuple):
    """One element; of undefined length, its value ends before the delimiter."""

    tag: int
    kind: bytes  # its value representation; empty where the file does not name it
    value: memoryview
    after: int  # where the next one begins


class _Header(NamedTuple):
    tag: int
    kind: bytes
    length: int
    start: int


def walk(data: memoryview, encoding: Encoding) -> Iterator[Element]:
    """Each element of a data set, up to its end or its item's; those nested in it are passed over.

    Raises struct.error or ValueError where the file makes no sense.
    """
    steps, at = _Walk(data), 0
    while at < len(data):
        tag, kind, length, start = steps.header(at, encoding)
        if tag in (_ITEM_END, _SEQUENCE_END):
            return
        if length == _UNDEFINED:
            end, at = steps.end(start, kind, encoding)
        else:
            end = at = start + length
        if end > len(data):
            raise ValueError("an element that is cut short")
        yield Element(tag, kind, data[start:end], at)


def first_item(value: memoryview, encoding: Encoding) -> memoryview:
    """The data set in the first item of a sequence; where its length is undefined, with what follows it.

    Raises struct.error or ValueError where the file makes no sense.
    """
    first = _Walk(value).header(0, encoding)
    if first.tag != _ITEM:
        raise ValueError("a sequence that begins with no item")
    return value[first.start :] if first.length == _UNDEFINED else value[first.start :][: first.length]


def fragments(value: memoryview) -> list[memoryview]:
    """The parts of encapsulated pixels; the first is a table of offsets, or empty.

    Raises struct.error or ValueError where the file makes no sense.
    """
    steps, at, found = _Walk(value), 0, []
    while at < len(value):
        tag, _, length, start = steps.header(at, LITTLE)
        if tag != _ITEM or length > len(value) - start:
            raise ValueError("a fragment that is none, or cut short")
        found.append(value[start : start + length])
        at = start + length
    return found


@dataclass
class _Walk:
    """Reads headers, no more than MAX_ELEMENTS of them."""

    data: memoryview
    left: int = MAX_ELEMENTS

    def header(self, at: int, encoding: Encoding) -> _Header:
        self.left -= 1
        if self.left < 0:
            raise ValueError(f"more than {MAX_ELEMENTS} elements")
        order = encoding.order
        group, element, kind, length = struct.unpack_from(order + "HH2sH", self.data, at)
        tag, start = group << 16 | element, at + 8
        if group == 0xFFFE or not encoding.explicit:
            kind, (length,) = b"", struct.unpack_from(order + "I", self.data, at + 4)
        elif kind in _LONG:
            start, (length,) = at + 12, struct.unpack_from(order + "I", self.data, at + 8)
        return _Header(tag, kind, length, start)

    def end(self, at: int, kind: bytes, encoding: Encoding) -> tuple[int, int]:
        """Where a value of undefined length ends, and where its delimiter does. No recursion: files nest."""
        within = [_inner(kind, encoding)]
        while len(within) <= MAX_DEPTH:
            tag, kind, length, start = self.header(at, within[-1])
            if tag in (_ITEM_END, _SEQUENCE_END):
                within.pop()
                if not within:
                    return at, start
                at = start
            elif length == _UNDEFINED:
                within.append(_inner(kind, within[-1]))
                at = start
            else:
                at = start + length
        raise ValueError(f"sequences nested more than {MAX_DEPTH} deep")


def _inner(kind: bytes, encoding: Encoding) -> Encoding:
    """What stands in a sequence of no known type is always written in the implicit way (PS3.5, 6.2.2)."""
    return IMPLICIT if kind == b"UN" else encoding
