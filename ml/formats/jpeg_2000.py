"""What a JPEG 2000 codestream asks of its decoder, which counts no costs itself."""

import struct
from collections.abc import Iterator
from typing import Final

MAX_SEGMENTS: Final = 65_536
MAX_TILES: Final = 4096  # the decoder keeps kilobytes for each
MAX_LAYERS: Final = 64  # usual are one to twelve
MIN_PRECINCT: Final = 4  # a power of two, as is the next; each precinct and block costs some hundred bytes
MIN_BLOCK: Final = 4

_SIZE, _CODING, _COMPONENT_CODING, _TILE, _DATA, _END = 0x51, 0x52, 0x53, 0x90, 0x93, 0xD9


def check(stream: bytes, rows: int, columns: int) -> tuple[int, bool]:
    """The bits of each sample, and whether they are signed.

    Raises ValueError or struct.error for a stream of more than one component, of another size than this, or
    of so many tiles, layers, precincts or blocks that no encoder would have written it for an image.
    """
    found = None
    for code, body in _segments(stream):
        if code == _SIZE and found is None:
            found = _size(body, rows, columns)
        elif code == _CODING:
            _check_coding(body)
        elif code in (_SIZE, _COMPONENT_CODING):
            raise ValueError("a codestream that takes back what it said")
    if found is None:
        raise ValueError("a codestream without a size")
    return found


def _segments(stream: bytes) -> Iterator[tuple[int, memoryview]]:
    """The segments of the main header and of each part of a tile."""
    view, at, part, length_of_part = memoryview(stream), 2, 0, 0
    for _ in range(MAX_SEGMENTS):
        if at + 2 > len(stream):
            return
        marker, code = stream[at : at + 2]
        if marker != 0xFF:
            raise ValueError("a codestream that breaks off between its parts")
        if code == _DATA:
            if not length_of_part:
                return
            at = part + length_of_part
            continue
        if code == _END:
            return
        (length,) = struct.unpack_from(">H", stream, at + 2)
        if code == _TILE:
            part, (length_of_part,) = at, struct.unpack_from(">I", stream, at + 6)
        yield code, view[at + 4 : at + 2 + length]
        at += 2 + length
    raise ValueError("a codestream of too many segments")


def _size(body: memoryview, rows: int, columns: int) -> tuple[int, bool]:
    right, bottom, left, top, wide, high, tiles_left, tiles_top, components, depth, across, down = (
        struct.unpack_from(">xx8IH3B", body)
    )
    if (bottom - top, right - left, components, across, down) != (rows, columns, 1, 1, 1):
        raise ValueError("a codestream of another size")
    if -(-(right - tiles_left) // wide) * -(-(bottom - tiles_top) // high) > MAX_TILES:
        raise ValueError("a codestream of too many tiles")
    return (depth & 0x7F) + 1, depth >= 0x80


def _check_coding(body: memoryview) -> None:
    style, layers, levels, width, height = struct.unpack_from(">BxHxBBB", body)
    precincts = body[10 : 11 + levels] if style & 1 else b""
    smallest = min((min(each & 15, each >> 4) for each in precincts), default=15)
    if layers > MAX_LAYERS or smallest < MIN_PRECINCT or min(width, height) + 2 < MIN_BLOCK:
        raise ValueError("a codestream of too many layers, precincts or blocks")
