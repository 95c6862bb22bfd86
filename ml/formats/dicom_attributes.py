"""The attributes of a DICOM file that matter, by name, and their values."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from ml.formats.dicom_elements import IMPLICIT, Element, Encoding, first_item, walk

MAX_DECIMAL: Final = 1e9


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


_KNOWN: Final = frozenset(Tag)


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
        return read_attributes(first_item(value, encoding), encoding)

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
