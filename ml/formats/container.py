"""What an image file says about itself, read from its own bytes before any decoder sees them."""

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from ml.formats import dicom, jpeg, tiff
from ml.formats.image_error import corrupt, not_taken, unsupported

MAX_PARTS: Final = 65_536  # chunks of a PNG or WebP

_PNG_VERIFIED: Final = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")
_PNG_KEPT: Final = (b"IHDR", b"PLTE", b"tRNS")
_PNG_SAMPLES: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # in a pixel of each type of colour
_DEFLATE_MOST: Final = 1032  # bytes that a byte can stand for

_WEBP_ALPHA, _WEBP_EXIF = 0x10, 0x08  # flags of a VP8X
_WEBP_WEIGHT: Final = 16  # Pillow decodes every WebP as an animation, on two canvases beside its own copies


@dataclass(frozen=True)
class Container:
    """One image file's description.

    ``parts``, joined, are the file over again. Of a PNG, JPEG or WebP they leave out all that its pixels do
    not need: text, profiles, EXIF but for the orientation, thumbnails, further pictures. Most of what can
    hurt a reader is there, most of what makes Pillow warn, which no thread can silence for itself alone, and
    most of what tells whose picture it is. Of a TIFF nothing leads to these any more, though they are there.
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
    picture: dicom.Picture | None = None  # of a DICOM file, which has no parts


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
    orientation = tiff.orientation(bytes(chunks.get(b"eXIf", b"")))
    head = [_png_chunk(kind, chunks[kind]) for kind in _PNG_KEPT if kind in chunks]
    if orientation != 1:
        head.append(_png_chunk(b"eXIf", tiff.exif(orientation)))
    if not pixels or (colour == 3 and b"PLTE" not in chunks):
        raise corrupt("PNG")
    length, checksum = sum(map(len, pixels)), zlib.crc32(b"IDAT")
    for body in pixels:
        checksum = zlib.crc32(body, checksum)
    end = (struct.pack(">I", checksum), _png_chunk(b"IEND", b""))
    return Container(
        format="PNG",
        width=width,
        height=height,
        parts=(data[:8], *head, struct.pack(">I", length), b"IDAT", *pixels, *end),
        orientation=orientation,
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
    return Container("JPEG", **jpeg.read_jpeg(data)._asdict())


def _webp(data: bytes) -> Container:
    chunks = dict(reversed(list(_webp_chunks(data))))  # the first of each kind
    sizes = [size(chunks[kind]) for kind, size in _WEBP_SIZES.items() if kind in chunks]
    widths, heights = zip(*sizes, strict=True)
    orientation = tiff.orientation(bytes(chunks.get(b"EXIF", b"")))
    return Container(
        format="WebP",
        width=max(widths),
        height=max(heights),
        parts=_webp_parts(chunks, orientation),
        orientation=orientation,
        frames=2 if b"ANMF" in chunks else 1,  # an animation, even if it stands still
        weight=_WEBP_WEIGHT,
    )


def _webp_parts(chunks: dict[bytes, memoryview], orientation: int) -> tuple[bytes | memoryview, ...]:
    bodies: dict[bytes, bytes | memoryview] = {kind: chunks[kind] for kind in _WEBP_KEPT if kind in chunks}
    if b"VP8X" in chunks:
        flags = chunks[b"VP8X"][0] & _WEBP_ALPHA | (_WEBP_EXIF if orientation != 1 else 0)
        bodies[b"VP8X"] = bytes([flags]) + bytes(chunks[b"VP8X"][1:10])
    if orientation != 1:
        bodies[b"EXIF"] = tiff.exif(orientation)
    parts: list[bytes | memoryview] = []
    for kind, body in bodies.items():
        parts += [struct.pack("<4sI", kind, len(body)), body, bytes(len(body) % 2)]
    return struct.pack("<4sI4s", b"RIFF", 4 + sum(map(len, parts)), b"WEBP"), *parts


def _vp8x_size(body: memoryview) -> tuple[int, int]:
    return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1


def _vp8l_size(body: memoryview) -> tuple[int, int]:
    (bits,) = struct.unpack_from("<xI", body)
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


def _vp8_size(body: memoryview) -> tuple[int, int]:
    width, height = struct.unpack_from("<6xHH", body)
    return width & 0x3FFF, height & 0x3FFF


_WEBP_KEPT: Final = (b"VP8X", b"ALPH", b"VP8 ", b"VP8L")
_WEBP_SIZES: Final = {b"VP8X": _vp8x_size, b"VP8L": _vp8l_size, b"VP8 ": _vp8_size}


def _webp_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Each chunk: its kind and body."""
    (length,) = struct.unpack_from("<I", data, 4)
    view, at, end = memoryview(data), 12, 8 + length
    for _ in range(MAX_PARTS):
        if at + 8 > end:
            return
        kind, size = struct.unpack_from("<4sI", data, at)
        if at + 8 + size > len(data):
            break
        yield kind, view[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    raise corrupt("WebP")


def _bmp(data: bytes) -> Container:
    (header,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if header == 12 else "<ii", data, 18)
    if header > 12 and struct.unpack_from("<I", data, 30)[0] in (1, 2):
        raise unsupported("Run-length encoded BMP images")  # Pillow decodes them in Python, pixel by pixel
    return Container("BMP", width, abs(height), (data,))


def _dicom(data: bytes) -> Container:
    picture = dicom.read_dicom(data)
    return Container(
        "DICOM",
        picture.columns,
        picture.rows,
        (),
        frames=picture.frames,
        deep=True,
        weight=picture.weight,
        picture=picture,
    )


def _tiff(data: bytes) -> Container:
    return Container("TIFF", **tiff.read_tiff(data)._asdict())


_READERS: Final[tuple[tuple[re.Pattern[bytes], str, Callable[[bytes], Container]], ...]] = (
    (re.compile(rb".{128}DICM", re.DOTALL), "DICOM", _dicom),  # whatever may stand before it
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "PNG", _png),
    (re.compile(rb"\xff\xd8\xff"), "JPEG", _jpeg),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), "WebP", _webp),
    (re.compile(rb"II[*+]\0|MM\0[*+]"), "TIFF", _tiff),
    (re.compile(rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL), "BMP", _bmp),
)
