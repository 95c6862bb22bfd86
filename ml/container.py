"""What an image file says about itself, read from its own bytes before any decoder sees them."""

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from ml import tiff
from ml.image_error import corrupt, not_taken, unsupported

MAX_PARTS: Final = 65_536  # chunks of a PNG or WebP, segments of a JPEG
MAX_SCANS: Final = 50  # of a JPEG: each goes over the whole picture again, and ten are usual

_PNG_VERIFIED: Final = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")
_PNG_SAMPLES: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # in a pixel of each type of colour
_DEFLATE_MOST: Final = 1032  # bytes that a byte can stand for

_WEBP_WEIGHT: Final = 16  # Pillow decodes every WebP as an animation, on two canvases beside its own copies

_MARKER: Final = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")  # not a stuffed or filling byte, nor a restart
_BARE: Final = (0x01, 0xD8, 0xD9)  # markers without a body
_FRAMES: Final = {*range(0xC0, 0xD0), 0xDE} - {0xC4, 0xC8, 0xCC}
_SCAN, _END, _APP1, _COMMENT = 0xDA, 0xD9, 0xE1, 0xFE


@dataclass(frozen=True)
class Container:
    """One image file's description.

    ``parts``, joined, are the file over again. Of a PNG, JPEG or TIFF they leave out all that its pixels do
    not need: text, profiles, EXIF, thumbnails, further pages. Most of what can hurt a reader is there, and
    most of what makes Pillow warn, which no thread can silence for itself alone.
    """

    format: str
    width: int
    height: int
    parts: tuple[bytes | memoryview, ...]
    orientation: int = 1  # as in EXIF, 1 to 8
    frames: int = 1
    deep: bool = False  # more than 8 bits a sample: black and white are the file's own extremes
    inverted: bool = False  # deep, and its lowest value is white
    weight: int = 4  # bytes that its decoder holds for each pixel
    sound: bool = True  # not too short, by its own account of itself, for the pixels that it promises


def read_container(data: bytes) -> Container:
    """The description of an image file, chosen by its content. Decodes nothing and copies no pixels.

    Raises ImageError (not an image, a format that is not taken, or corrupt).
    """
    for magic, name, reader in _READERS:
        if magic.match(data):
            return _described(reader, name, data)
    raise not_taken(data)


def _described(reader: Callable[[bytes], Container], name: str, data: bytes) -> Container:
    try:
        container = reader(data)
    except (struct.error, LookupError, ArithmeticError, ValueError) as error:
        raise corrupt(name) from error
    if min(container.width, container.height) < 1:
        raise corrupt(name)
    return container


def _png(data: bytes) -> Container:
    chunks: dict[bytes, memoryview] = {}
    pixels: list[memoryview] = []
    for kind, body in _png_chunks(data):
        if kind == b"IDAT":
            pixels.append(body)
        else:
            chunks.setdefault(kind, body)
    width, height, depth, colour = struct.unpack_from(">IIBB", chunks[b"IHDR"])
    head = [_png_chunk(kind, chunks[kind]) for kind in (b"IHDR", b"PLTE", b"tRNS") if kind in chunks]
    if not pixels or (colour == 3 and b"PLTE" not in chunks):
        raise corrupt("PNG")
    length = sum(map(len, pixels))
    end = (bytes(4), _png_chunk(b"IEND", b""))  # the checksums of the pixels have been verified already
    return Container(
        format="PNG",
        width=width,
        height=height,
        parts=(data[:8], *head, struct.pack(">I", length), b"IDAT", *pixels, *end),
        orientation=tiff.orientation(bytes(chunks.get(b"eXIf", b""))),
        frames=struct.unpack_from(">I", chunks[b"acTL"])[0] if b"acTL" in chunks else 1,
        deep=depth > 8,
        sound=width * height * depth * _PNG_SAMPLES[colour] // 8 <= _DEFLATE_MOST * length,
    )


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Each chunk up to the end: its kind and body; the checksums of those that matter to pixels must hold."""
    view, at = memoryview(data), 8
    for _ in range(MAX_PARTS):
        length, kind = struct.unpack_from(">I4s", data, at)
        body, (checksum,) = view[at + 8 : at + 8 + length], struct.unpack_from(">I", data, at + 8 + length)
        if kind in _PNG_VERIFIED and zlib.crc32(body, zlib.crc32(kind)) != checksum:
            raise corrupt("PNG")
        if kind == b"IEND":
            return
        yield kind, body
        at += 12 + length
    raise corrupt("PNG")


def _png_chunk(kind: bytes, body: bytes | memoryview) -> bytes:
    return struct.pack(">I4s", len(body), kind) + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))


def _jpeg(data: bytes) -> Container:
    head: list[memoryview] = [memoryview(data)[:2]]
    sizes: list[tuple[int, int]] = []
    scans: list[int] = []
    orientation = 0
    for code, start, body in _jpeg_segments(data):
        if code == _SCAN:
            scans.append(start)
        elif not scans and _jpeg_kept(code, body):
            head.append(memoryview(data)[start : start + 4 + len(body)])
        if code in _FRAMES:
            sizes.append(struct.unpack_from(">xHH", body))
        elif code == _APP1 and bytes(body[:6]) == b"Exif\0\0":
            orientation = orientation or tiff.orientation(bytes(body))
        elif code == _END:
            end = start + 2
    if len(scans) > MAX_SCANS:
        raise unsupported(f"JPEG images of more than {MAX_SCANS} scans")
    ((height, width),) = sizes  # two frame headers could say one size to us and another to the decoder
    return Container("JPEG", width, height, (*head, memoryview(data)[scans[0] : end]), orientation or 1)


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, memoryview]]:
    """Each segment up to the end of the first picture: its code, where it starts, and its body."""
    view, at = memoryview(data), 2
    for _ in range(MAX_PARTS):
        marker = _MARKER.search(data, at)
        if not marker:
            break
        code, length = marker[1][0], 0
        if code not in _BARE:
            (length,) = struct.unpack_from(">H", data, marker.end())
        at = marker.end() + length
        yield code, marker.start(), view[marker.end() + 2 : at]
        if code == _END:
            return
    raise corrupt("JPEG")


def _jpeg_kept(code: int, body: memoryview) -> bool:
    """Whether decoding takes the segment. Of the application's own, JFIF and Adobe name the colour space."""
    if 0xE0 <= code <= 0xEF:
        return bytes(body[:5]) in (b"JFIF\0", b"Adobe")
    return code not in (*_BARE, _COMMENT)


def _webp(data: bytes) -> Container:
    sizes: list[tuple[int, int]] = []
    frames, orientation = 0, 1
    for kind, body in _webp_chunks(data):
        if kind == b"VP8X":
            sizes.append((int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1))
        elif kind == b"VP8L":
            (bits,) = struct.unpack_from("<xI", body)
            sizes.append(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1))
        elif kind == b"VP8 ":
            width, height = struct.unpack_from("<6xHH", body)
            sizes.append((width & 0x3FFF, height & 0x3FFF))
        elif kind == b"EXIF":
            orientation = tiff.orientation(bytes(body))
        frames += kind == b"ANMF"
    widths, heights = zip(*sizes, strict=True)
    return Container(
        "WebP", max(widths), max(heights), (data,), orientation, max(1, frames), weight=_WEBP_WEIGHT
    )


def _webp_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Each chunk: its kind and body."""
    (length,) = struct.unpack_from("<I", data, 4)
    view, at, end = memoryview(data), 12, 8 + length
    for _ in range(MAX_PARTS):
        if at + 8 > end:
            return
        kind, size = struct.unpack_from("<4sI", data, at)
        yield kind, view[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    raise corrupt("WebP")


def _bmp(data: bytes) -> Container:
    (header,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if header == 12 else "<ii", data, 18)
    if header > 12 and struct.unpack_from("<I", data, 30)[0] in (1, 2):
        raise unsupported("Run-length encoded BMP images")  # Pillow decodes them in Python, pixel by pixel
    return Container("BMP", width, abs(height), (data,))


def _tiff(data: bytes) -> Container:
    return Container("TIFF", **tiff.read_tiff(data)._asdict())


_READERS: Final[tuple[tuple[re.Pattern[bytes], str, Callable[[bytes], Container]], ...]] = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "PNG", _png),
    (re.compile(rb"\xff\xd8\xff"), "JPEG", _jpeg),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), "WebP", _webp),
    (re.compile(rb"II[*+]\0|MM\0[*+]"), "TIFF", _tiff),
    (re.compile(rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL), "BMP", _bmp),
)
