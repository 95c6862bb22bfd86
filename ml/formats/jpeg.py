"""JPEG's segments: a JPEG's description, and the part of it that decoding takes."""

import re
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from ml.formats import tiff
from ml.formats.image_error import corrupt, unsupported

MAX_SEGMENTS: Final = 65_536
MAX_SCANS: Final = 50  # each goes over the whole picture again, and ten are usual

_MARKER: Final = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")  # not a stuffed or filling byte, nor a restart
_BARE: Final = (0x01, 0xD8, 0xD9)  # markers without a body
_FRAMES: Final = {*range(0xC0, 0xD0), 0xDE} - {0xC4, 0xC8, 0xCC}
_TABLES: Final = {0xC4, 0xCC, 0xDB, 0xDC, 0xDD}  # Huffman, arithmetic, quantisation, lines, restarts
_SCAN, _END, _JFIF, _EXIF, _ADOBE = 0xDA, 0xD9, 0xE0, 0xE1, 0xEE


class Jpeg(NamedTuple):
    """What a JPEG says about itself; ``parts`` is the file over again, with what decoding takes."""

    width: int
    height: int
    parts: tuple[bytes | memoryview, ...]
    orientation: int


class Segment(NamedTuple):
    """One segment; after a scan's header, ``rest`` reaches to the next marker."""

    code: int
    body: memoryview
    rest: memoryview


def read_jpeg(data: bytes) -> Jpeg:
    """The description of a JPEG's first picture, without decoding.

    Raises ImageError, and struct.error, LookupError, ArithmeticError or ValueError where the file makes
    no sense.
    """
    segments = list(_segments(data))
    scans = [place for place, segment in enumerate(segments) if segment.code == _SCAN]
    if len(scans) > MAX_SCANS:
        raise unsupported(f"JPEG images of more than {MAX_SCANS} scans")
    # Two frame headers could say one size to us and another to the decoder.
    ((height, width),) = (struct.unpack_from(">xHH", body) for code, body, _ in segments if code in _FRAMES)
    orientation = _orientation(segments)
    head = [piece for segment in segments[: scans[0]] for piece in _kept(segment)]
    body = [piece for segment in segments[scans[0] :] for piece in _kept(segment)]
    turned = [_segment(_EXIF, b"Exif\0\0" + tiff.exif(orientation))] if orientation != 1 else []
    return Jpeg(width, height, (b"\xff\xd8", *head, *turned, *body, b"\xff\xd9"), orientation)


def _segments(data: bytes) -> Iterator[Segment]:
    """Each segment between the beginning and the end of the first picture."""
    view, here = memoryview(data), _MARKER.search(data, 2)
    for _ in range(MAX_SEGMENTS):
        if not here or here[1][0] == _END:
            break
        code, start, length = here[1][0], here.end(), 0
        if code not in _BARE:
            (length,) = struct.unpack_from(">H", data, start)
        following = _MARKER.search(data, start + length)
        rest = view[start + length : following.start()] if following else view[:0]
        yield Segment(code, view[start + 2 : start + length], rest)
        here = following
    if not here or here[1][0] != _END:
        raise corrupt("JPEG")


def _kept(segment: Segment) -> tuple[bytes | memoryview, ...]:
    """The segment as far as decoding takes it. Of the application's own, JFIF and Adobe name the colours."""
    code, body, rest = segment
    if code == _JFIF and bytes(body[:5]) == b"JFIF\0":
        return (_segment(code, bytes(body[:12]) + b"\0\0"),) if len(body) >= 14 else ()  # no thumbnail
    if code == _ADOBE and bytes(body[:5]) == b"Adobe":
        return (_segment(code, bytes(body[:12])),) if len(body) >= 12 else ()
    if code == _SCAN:
        return _segment(code, bytes(body)), rest
    return (_segment(code, bytes(body)),) if code in _TABLES | _FRAMES else ()


def _orientation(segments: list[Segment]) -> int:
    """The first that any EXIF gives."""
    blocks = (bytes(body) for code, body, _ in segments if code == _EXIF and bytes(body[:6]) == b"Exif\0\0")
    return next(map(tiff.orientation, blocks), 1)


def _segment(code: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, code, len(body) + 2) + body
