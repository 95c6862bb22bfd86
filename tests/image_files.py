"""Image files of every kind that is taken, and the means of making them by hand."""

import io
import struct
import zlib
from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Transpose

from ml.image import decode, prepare

Maker = Callable[[], bytes]


def picture(width: int = 120, height: int = 90) -> Image.Image:
    """A grey picture of slanting ramps, mode L: no two of its sides are alike."""
    rows = (bytes((2 * x + 3 * y + x * y // 40) % 256 for x in range(width)) for y in range(height))
    return Image.frombytes("L", (width, height), b"".join(rows))


def read(data: bytes) -> NDArray[np.float32]:
    """What the paper's heads are shown of an image file: (224, 224) float32 in 0..1. Raises ImageError."""
    return prepare(decode(data).pixels)


def encoded(image: Image.Image, file_format: str, **options: Any) -> bytes:
    """The image as a file."""
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    """A PNG chunk with its checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(
    width: int, height: int, pixels: bytes, *, depth: int = 8, colour: int = 0, extra: bytes = b""
) -> bytes:
    """A PNG of these deflated ``pixels``, with the ``extra`` chunks before them."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def tiff(entries: Iterable[tuple[int, int, int, int]], body: bytes = b"", following: int = 0) -> bytes:
    """A little-endian TIFF of the tags (tag, type, number, value); ``body`` starts at byte 8."""
    tags = sorted(entries)
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return struct.pack("<2sHI", b"II", 42, 8 + len(body)) + body + directory + struct.pack("<I", following)


def grey_tiff(width: int, height: int, body: bytes, **tags: tuple[int, int, int, int]) -> bytes:
    """A TIFF of one grey strip; ``tags`` are further ones, or others for those of the same name."""
    usual = {
        "width": (256, 4, 1, width),
        "height": (257, 4, 1, height),
        "bits": (258, 3, 1, 8),
        "compression": (259, 3, 1, 1),
        "photometric": (262, 3, 1, 1),
        "offsets": (273, 4, 1, 8),
        "samples": (277, 3, 1, 1),
        "rows": (278, 4, 1, height),
        "lengths": (279, 4, 1, len(body)),
    }
    return tiff({**usual, **tags}.values(), body)


def with_alpha(image: Image.Image) -> Image.Image:
    image = image.convert("RGBA")
    image.putalpha(ALPHA)
    return image


GREY = picture()
COLOUR = Image.merge("RGB", [GREY, GREY.transpose(Transpose.ROTATE_180), Image.new("L", GREY.size, 90)])
ALPHA = GREY.transpose(Transpose.FLIP_LEFT_RIGHT)
DEEP = np.asarray(GREY, dtype=np.uint16) * 16  # 12 bits in 16: 0..4080

LOSSLESS: Final[dict[str, tuple[Image.Image, str, dict[str, Any]]]] = {
    "PNG 1": (GREY.convert("1"), "PNG", {}),
    "PNG grey": (GREY, "PNG", {}),
    "PNG grey alpha": (with_alpha(GREY).convert("LA"), "PNG", {}),
    "PNG colour": (COLOUR, "PNG", {}),
    "PNG colour alpha": (with_alpha(COLOUR), "PNG", {}),
    "PNG palette": (COLOUR.quantize(40), "PNG", {}),
    "WebP colour": (COLOUR, "WEBP", {"lossless": True}),
    "WebP colour alpha": (with_alpha(COLOUR), "WEBP", {"lossless": True, "exact": True}),
    "BMP 1": (GREY.convert("1"), "BMP", {}),
    "BMP grey": (GREY, "BMP", {}),
    "BMP colour": (COLOUR, "BMP", {}),
    "BMP palette": (COLOUR.quantize(40), "BMP", {}),
    "TIFF 1": (GREY.convert("1"), "TIFF", {"compression": "group4"}),
    "TIFF grey": (GREY, "TIFF", {}),
    "TIFF grey alpha": (with_alpha(GREY).convert("LA"), "TIFF", {}),
    "TIFF LZW in strips": (COLOUR, "TIFF", {"compression": "tiff_lzw", "strip_size": 4000}),
    "TIFF deflate": (with_alpha(COLOUR), "TIFF", {"compression": "tiff_adobe_deflate"}),
    "TIFF PackBits": (COLOUR.quantize(40), "TIFF", {"compression": "packbits"}),
    "TIFF CMYK": (COLOUR.convert("CMYK"), "TIFF", {}),
    "BigTIFF": (COLOUR, "TIFF", {"big_tiff": True}),
}

LOSSY: Final[dict[str, tuple[Image.Image, str, dict[str, Any]]]] = {
    "JPEG grey": (GREY, "JPEG", {}),
    "JPEG colour": (COLOUR, "JPEG", {}),
    "JPEG progressive": (COLOUR, "JPEG", {"progressive": True}),
    "JPEG restarts": (COLOUR, "JPEG", {"restart_marker_blocks": 2}),
    "JPEG in RGB": (COLOUR, "JPEG", {"keep_rgb": True}),
    "JPEG CMYK": (COLOUR.convert("CMYK"), "JPEG", {}),
    "WebP": (COLOUR, "WEBP", {}),
    "TIFF JPEG": (COLOUR, "TIFF", {"compression": "jpeg"}),
    "TIFF YCbCr": (COLOUR.convert("YCbCr"), "TIFF", {}),
    "TIFF Lab": (COLOUR.convert("LAB"), "TIFF", {}),
}


DEEP_FILES: Final[dict[str, Maker]] = {
    "PNG of 12 bits in 16": lambda: encoded(Image.fromarray(DEEP), "PNG"),
    "TIFF of 16 bits": lambda: encoded(Image.fromarray(DEEP), "TIFF"),
    "TIFF of 16 bits, deflated": lambda: encoded(
        Image.fromarray(DEEP), "TIFF", compression="tiff_adobe_deflate"
    ),
    "TIFF of 16 bits, big-endian": lambda: encoded(Image.fromarray(DEEP.astype(">u2")), "TIFF"),
    "TIFF of 32 bits": lambda: encoded(Image.fromarray(DEEP.astype(np.int32) * 1000 - 9999), "TIFF"),
    "TIFF of floats": lambda: encoded(Image.fromarray(DEEP.astype(np.float32) * 0.37 - 0.5), "TIFF"),
    "TIFF of 16 bits, white is zero": lambda: grey_tiff(
        *GREY.size, (4080 - DEEP).tobytes(), bits=(258, 3, 1, 16), photometric=(262, 3, 1, 0)
    ),
    "TIFF of floats, white is zero": lambda: grey_tiff(
        *GREY.size,
        (-DEEP.astype(np.float32)).tobytes(),
        bits=(258, 3, 1, 32),
        photometric=(262, 3, 1, 0),
        sample=(339, 3, 1, 3),
    ),
}
