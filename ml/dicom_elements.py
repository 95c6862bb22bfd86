"""DICOM's data elements, walked one by one: the few that matter are read, and no other ever is."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

MAX_ELEMENTS: Final = 65_536  # of a file, those of nested sequences of undefined length among them
MAX_DEPTH: Final = 64  # of such sequences
MAX_DECIMAL: Final = 1e9

_UNDEFINED: Final = 0xFFFFFFFF
_LONG: Final = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())  # 4 bytes of length, after 2


class Tag(IntEnum):
    """All that is ever read of a file."""

    TRANSFER_SYNTAX = 0x00020010
    SOP_CLASS = 0x00080016
    MODALITY = 0x00080060
    PRESENTATION_INTENT = 0x00080068
    BODY_PART = 0x00180015
    VIEW_POSITION = 0x00185101
    SAMPLES_PER_PIXEL = 0x00280002
    PHOTOMETRIC = 0x00280004
    FRAMES = 0x00280008
    ROWS = 0x00280010
    COLUMNS = 0x00280011
    BITS_ALLOCATED = 0x00280100
    BITS_STORED = 0x00280101
    HIGH_BIT = 0x00280102
    SIGNED = 0x00280103
    PADDING = 0x00280120
    PADDING_LIMIT = 0x00280121
    BURNED_IN = 0x00280301
    WINDOW_CENTRE = 0x00281050
    WINDOW_WIDTH = 0x00281051
    INTERCEPT = 0x00281052
    SLOPE = 0x00281053
    WINDOW_FUNCTION = 0x00281056
    MODALITY_LUT = 0x00283000
    LUT_DESCRIPTOR = 0x00283002
    LUT_DATA = 0x00283006
    VOI_LUT = 0x00283010
    PRESENTATION_SHAPE = 0x20500020
    PIXELS = 0x7FE00010
    ITEM = 0xFFFEE000
    ITEM_END = 0xFFFEE00D
    SEQUENCE_END = 0xFFFEE0DD


_KNOWN: Final = frozenset(Tag)


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


@dataclass(frozen=True)
class Attributes:
    """The elements of a data set that matter. Values that make no sense raise ValueError or struct.error."""

    elements: dict[int, Element]
    encoding: Encoding

    def text(self, tag: Tag) -> str:
        """The first value in upper case; empty where there is none."""
        return next(iter(self._texts(tag)), "").upper()

    def decimal(self, tag: Tag) -> float | None:
        """The first value of a decimal string."""
        texts = self._texts(tag)
        if not texts or not texts[0]:
            return None
        number = float(texts[0])
        if math.isnan(number) or abs(number) > MAX_DECIMAL:
            raise ValueError(f"{tag.name} of {number}")
        return number

    def integer(self, tag: Tag, default: int | None = None) -> int:
        """A binary number without a sign."""
        value = self._value(tag)
        if not value and default is not None:
            return default
        if len(value) not in (2, 4):
            raise ValueError(f"{tag.name} of {len(value)} bytes")
        return int.from_bytes(value, "little" if self.encoding.order == "<" else "big")

    def words(self, tag: Tag) -> tuple[int, ...]:
        """16-bit numbers without a sign."""
        value = self._value(tag)
        return struct.unpack(f"{self.encoding.order}{len(value) // 2}H", value)

    def raw(self, tag: Tag) -> bytes:
        """The value as it stands."""
        return bytes(self._value(tag))

    def item(self, tag: Tag) -> Attributes | None:
        """The first item of a sequence, where there is one."""
        value = self._value(tag)
        if not value:
            return None
        encoding = IMPLICIT if self.elements[tag].kind == b"UN" else self.encoding
        first = _Walk(value).header(0, encoding)
        if first.tag != Tag.ITEM:
            raise ValueError("a sequence that begins with no item")
        end = len(value) if first.length == _UNDEFINED else first.start + first.length
        return read_attributes(value[first.start : end], encoding)

    def _value(self, tag: Tag) -> memoryview:
        return self.elements[tag].value if tag in self.elements else memoryview(b"")

    def _texts(self, tag: Tag) -> list[str]:
        value = bytes(self._value(tag)[:1024]).decode("ascii", "replace")
        return [text.strip(" \0\t\r\n") for text in value.split("\\")]


def read_attributes(data: memoryview, encoding: Encoding) -> Attributes:
    """What matters of a data set, up to its pixels or the end of its item; the first where a tag repeats.

    Raises struct.error or ValueError where the file makes no sense.
    """
    found: dict[int, Element] = {}
    for element in walk(data, encoding):
        if element.tag in _KNOWN:
            found.setdefault(element.tag, element)
        if element.tag == Tag.PIXELS:
            break
    return Attributes(found, encoding)


def walk(data: memoryview, encoding: Encoding) -> Iterator[Element]:
    """Each element of a data set, up to its end or its item's; those nested in it are passed over.

    Raises struct.error or ValueError where the file makes no sense.
    """
    steps, at = _Walk(data), 0
    while at < len(data):
        tag, kind, length, start = steps.header(at, encoding)
        if tag in (Tag.ITEM_END, Tag.SEQUENCE_END):
            return
        end, at = (
            (start + length, start + length) if length != _UNDEFINED else steps.end(start, kind, encoding)
        )
        if end > len(data):
            raise ValueError("an element that is cut short")
        yield Element(tag, kind, data[start:end], at)


def fragments(value: memoryview) -> list[memoryview]:
    """The parts of encapsulated pixels; the first is a table of offsets, or empty.

    Raises struct.error or ValueError where the file makes no sense.
    """
    steps, at, found = _Walk(value), 0, []
    while at < len(value):
        tag, _, length, start = steps.header(at, LITTLE)
        if tag != Tag.ITEM or length > len(value) - start:
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
            if tag in (Tag.ITEM_END, Tag.SEQUENCE_END):
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
