"""Files made to be refused, and files made to hurt a careless reader; for the tests of every room."""

import struct
import zlib
from typing import Final

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataset import Dataset

from ml.formats.image_error import Reason
from tests.dicom_files import LOSSLESS_SYNTAXES, TWELVE, compressed, data_set, dicom, written
from tests.image_files import Maker, chunk, encoded, grey_tiff, picture, png


def deflated_zeros(length: int) -> bytes:
    """A zlib stream of ``length`` zeros, whole mebibytes, made in no time and a thousandth of the space."""
    packer = zlib.compressobj(9, wbits=-15)
    block = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = (length % 65521) << 16 | 1
    return b"\x78\xda" + block * (length >> 20) + b"\x03\x00" + struct.pack(">I", checksum)


def jpeg_of_size(width: int, height: int, precision: int = 8) -> bytes:
    """A small JPEG whose header gives another size, and another number of bits a sample."""
    data = encoded(picture(), "JPEG")
    at = data.index(b"\xff\xc0") + 4
    return data[:at] + struct.pack(">BHH", precision, height, width) + data[at + 5 :]


def bmp_of_size(width: int, height: int, compression: int = 0) -> bytes:
    """A small BMP whose header gives another size, and another compression."""
    data = encoded(picture(), "BMP")
    return (
        data[:18]
        + struct.pack("<ii", width, height)
        + data[26:30]
        + struct.pack("<I", compression)
        + data[34:]
    )


def webp_of_size(width: int, height: int) -> bytes:
    """A lossless WebP of a few bytes whose header gives this size."""
    frame = b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + bytes(11)
    body = b"WEBPVP8L" + struct.pack("<I", len(frame)) + frame
    return b"RIFF" + struct.pack("<I", len(body)) + body


def half(data: bytes) -> bytes:
    """The first half of a file, as an upload that broke off leaves it."""
    return data[: len(data) // 2]


def _animation(file_format: str) -> bytes:
    return encoded(picture(), file_format, save_all=True, append_images=[picture().rotate(180)])


def _spoiled(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0x40]) + data[at + 1 :]


def dicom_of_size(rows: int, columns: int, syntax: str = "explicit") -> bytes:
    """A small DICOM file whose attributes give another size."""
    data = LOSSLESS_SYNTAXES[syntax]()
    for tag, old, new in ((0x10, TWELVE.shape[0], rows), (0x11, TWELVE.shape[1], columns)):
        header = struct.pack("<HH2sH", 0x28, tag, b"US", 2)
        assert header + struct.pack("<H", old) in data
        data = data.replace(header + struct.pack("<H", old), header + struct.pack("<H", new))
    return data


def with_private(data: bytes, elements: bytes) -> bytes:
    """A DICOM file with these before its picture."""
    at = data.index(b"\x28\0\x02\0US")
    return data[:at] + elements + data[at:]


def runs(pixels: NDArray[np.uint16]) -> bytes:
    """A run-length encoded frame of these words, in literal runs."""
    planes = [
        b"".join(b"\x07" + plane[at : at + 8] for at in range(0, len(plane), 8))
        for plane in ((pixels >> 8).astype(np.uint8).tobytes(), pixels.astype(np.uint8).tobytes())
    ]
    return struct.pack("<16I", 2, 64, 64 + len(planes[0]), *[0] * 13) + b"".join(planes)


def nested(depth: int) -> bytes:
    """Private DICOM sequences, each within the one before."""
    sequence = struct.pack("<HH2sHI", 0x19, 0x1001, b"SQ", 0, 2**32 - 1)
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 2**32 - 1)
    ends = struct.pack("<HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
    return (sequence + item) * depth + ends * depth


def jpeg_2000(**options: int) -> bytes:
    """A DICOM file in JPEG 2000 whose codestream asks for ``layers``, ``block`` or ``precinct`` sizes."""
    pixels = np.zeros((2000, 2000), np.uint16)
    stream = bytearray(imagecodecs.jpeg2k_encode(pixels, reversible=True, codecformat="j2k"))
    at = stream.index(b"\xff\x52")
    (length,) = struct.unpack_from(">H", stream, at + 2)
    body = bytearray(stream[at + 4 : at + 2 + length])
    body[2:4] = struct.pack(">H", options.get("layers", 1))
    body[6:8] = bytes([options.get("block", 4)] * 2)
    if "precinct" in options:
        body[0] |= 1
        body += bytes([options["precinct"] * 17]) * (body[5] + 1)
    stream[at : at + 2 + length] = b"\xff\x52" + struct.pack(">H", len(body) + 2) + body
    return compressed(bytes(stream), uid.JPEG2000Lossless, pixels, 16)


def _deflated(stream: bytes) -> bytes:
    """A DICOM file of a data set that inflates from this."""
    data = LOSSLESS_SYNTAXES["deflated"]()
    (length,) = struct.unpack_from("<I", data, 140)  # of the group that names the transfer syntax
    return data[: 144 + length] + stream


NOT_IMAGES: Final[dict[str, bytes]] = {
    "nothing": b"",
    "one byte": b"\x89",
    "text": b"BMW and II are not magic, nor is PNG.\n" * 40,
    "html": b"<!doctype html><html><body><img src=x.png></body></html>",
    "svg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="300" height="300"/>',
    "json": b'{"image": "iVBORw0KGgo="}',
    "zip": b"PK\x03\x04\x14\0\0\0\x08\0" + bytes(60),
    "pdf": b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n",
    "program": b"\x7fELF\x02\x01\x01" + bytes(100),
    "sound in a RIFF": b"RIFF\x24\0\0\0WAVEfmt " + bytes(28),
    "video": b"\0\0\0\x18ftypmp42" + bytes(40),
    "a shifted PNG": b"\n" + encoded(picture(), "PNG"),
}

OTHER_FORMATS: Final[dict[str, Maker]] = {
    "GIF": lambda: encoded(picture(), "GIF"),
    "ICO": lambda: encoded(picture(), "ICO"),
    "EPS": lambda: encoded(picture(), "EPS"),
    "JPEG 2000": lambda: encoded(picture(), "JPEG2000"),
    "AVIF": lambda: b"\0\0\0\x20ftypavif" + bytes(40),
    "HEIC": lambda: b"\0\0\0\x18ftypheic" + bytes(40),
    "Photoshop": lambda: b"8BPS\0\x01" + bytes(40),
    "PNM": lambda: encoded(picture(), "PPM"),
}


def _without_pixels() -> Dataset:
    made = data_set(TWELVE)
    del made.PixelData
    return made


_PNG, _JPEG, _WEBP, _BMP = (encoded(picture(), name) for name in ("PNG", "JPEG", "WEBP", "BMP"))
_TIFF = grey_tiff(120, 90, picture().tobytes())

REFUSED: Final[dict[str, tuple[Reason, Maker]]] = {
    "12-bit JPEG": (Reason.UNSUPPORTED_FORMAT, lambda: jpeg_of_size(120, 90, precision=12)),
    "run-length encoded BMP": (Reason.UNSUPPORTED_FORMAT, lambda: bmp_of_size(120, 90, compression=1)),
    "LZMA in TIFF": (
        Reason.UNSUPPORTED_FORMAT,
        lambda: grey_tiff(120, 90, b"\xfd7zXZ\0" + bytes(90), compression=(259, 3, 1, 34925)),
    ),
    "unsigned 32-bit TIFF": (
        Reason.UNSUPPORTED_FORMAT,
        lambda: grey_tiff(64, 64, bytes(4 * 64 * 64), bits=(258, 3, 1, 32)),
    ),
    "PNG of no known colour": (Reason.CORRUPT, lambda: png(64, 64, b"", colour=5)),
    "half a PNG": (Reason.CORRUPT, lambda: half(_PNG)),
    "half a JPEG": (Reason.CORRUPT, lambda: half(_JPEG)),
    "half a WebP": (Reason.CORRUPT, lambda: half(_WEBP)),
    "half a TIFF": (Reason.CORRUPT, lambda: half(_TIFF)),
    "half a BMP": (Reason.CORRUPT, lambda: half(_BMP)),
    "PNG without its end": (Reason.CORRUPT, lambda: _PNG[:-12]),
    "JPEG without its end": (Reason.CORRUPT, lambda: _JPEG[:-2]),
    "PNG with a flipped bit": (Reason.CORRUPT, lambda: _spoiled(_PNG, len(_PNG) - 40)),
    "PNG with a flipped bit in its palette": (
        Reason.CORRUPT,
        lambda: _spoiled(encoded(picture().convert("P"), "PNG"), 80),
    ),
    "PNG of 90 megapixels in 1 kB": (Reason.CORRUPT, lambda: png(9500, 9500, deflated_zeros(2**20))),
    "PNG without a palette": (Reason.CORRUPT, lambda: png(64, 64, zlib.compress(bytes(65 * 64)), colour=3)),
    "PNG chunk of 4 GB": (Reason.CORRUPT, lambda: _PNG[:33] + b"\xff\xff\xff\xffIDAT" + _PNG[41:]),
    "PNG of a million chunks": (Reason.CORRUPT, lambda: png(64, 64, b"", extra=chunk(b"teXt", b"") * 10**6)),
    "JPEG of two sizes": (
        Reason.CORRUPT,
        lambda: (
            jpeg_of_size(120, 90)[:2] + b"\xff\xc0\x00\x0b\x08\xff\xdc\xff\xdc\x01\x01\x11\x00" + _JPEG[2:]
        ),
    ),
    "JPEG of a thousand scans": (
        Reason.UNSUPPORTED_FORMAT,
        lambda: _JPEG[:-2] + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" * 1000 + b"\xff\xd9",
    ),
    "JPEG of no height": (Reason.CORRUPT, lambda: jpeg_of_size(120, 0)),
    "BMP of negative width": (Reason.CORRUPT, lambda: bmp_of_size(-120, 90)),
    "TIFF directory outside": (Reason.CORRUPT, lambda: b"II*\0\xf0\xff\xff\xff" + bytes(100)),
    "TIFF without its last strip": (
        Reason.CORRUPT,
        lambda: grey_tiff(64, 64, bytes(64 * 64), rows=(278, 4, 1, 32)),
    ),
    "TIFF of 4 billion strips": (
        Reason.CORRUPT,
        lambda: grey_tiff(64, 64, bytes(64 * 64), offsets=(273, 4, 2**32 - 1, 8)),
    ),
    "TIFF of 70,000 strips": (
        Reason.CORRUPT,
        lambda: grey_tiff(
            *(64, 70_000, struct.pack("<I", 8) * 70_000),
            rows=(278, 4, 1, 1),
            offsets=(273, 4, 70_000, 8),
            lengths=(279, 4, 70_000, 8),
        ),
    ),
    "TIFF of no number": (
        Reason.CORRUPT,
        lambda: grey_tiff(
            *(64, 64, struct.pack("<f", float("nan")) * 64 * 64), bits=(258, 3, 1, 32), sample=(339, 3, 1, 3)
        ),
    ),
    "animated PNG": (Reason.ANIMATED, lambda: _animation("PNG")),
    "animated WebP": (Reason.ANIMATED, lambda: _animation("WEBP")),
    "TIFF of two pages": (Reason.ANIMATED, lambda: _animation("TIFF")),
    "TIFF that goes round": (Reason.ANIMATED, lambda: _TIFF[:-4] + struct.pack("<I", 8)),
    "PNG too narrow": (Reason.TOO_SMALL, lambda: encoded(picture(63, 200), "PNG")),
    "JPEG too low": (Reason.TOO_SMALL, lambda: encoded(picture(200, 63), "JPEG")),
    "DICOM without a picture": (Reason.UNSUPPORTED_FORMAT, lambda: bytes(128) + b"DICM" + bytes(40)),
    "half a DICOM": (Reason.CORRUPT, lambda: half(dicom())),
    "DICOM in RLE without its header": (
        Reason.CORRUPT,
        lambda: compressed(bytes(range(200)), uid.RLELossless, TWELVE),
    ),
    "DICOM in RLE of half the rows": (
        Reason.CORRUPT,
        lambda: compressed(runs(TWELVE[:45]), uid.RLELossless, TWELVE),
    ),
    "DICOM of another size than its codestream": (
        Reason.CORRUPT,
        lambda: dicom_of_size(80, 120, "JPEG-LS"),
    ),
    "DICOM of another codec than it says": (
        Reason.CORRUPT,
        lambda: compressed(imagecodecs.jpegls_encode(TWELVE), uid.JPEGLosslessSV1, TWELVE),
    ),
    "DICOM of a million private elements": (
        Reason.CORRUPT,
        lambda: with_private(dicom(), struct.pack("<HH2sH", 0x19, 0x1001, b"LO", 0) * 10**6),
    ),
    "DICOM of sequences 1,000 deep": (
        Reason.CORRUPT,
        lambda: with_private(dicom(), nested(1000)),
    ),
    "DICOM of a private element of 4 GB": (
        Reason.CORRUPT,
        lambda: with_private(dicom(), struct.pack("<HH2sHI", 0x19, 0x1001, b"OB", 0, 2**32 - 2)),
    ),
    "DICOM in JPEG 2000 of tiny precincts": (Reason.CORRUPT, lambda: jpeg_2000(precinct=1)),
    "DICOM in JPEG 2000 of tiny blocks": (Reason.CORRUPT, lambda: jpeg_2000(block=0)),
    "DICOM in JPEG 2000 of 65,535 layers": (Reason.CORRUPT, lambda: jpeg_2000(layers=65_535)),
    "DICOM of several frames": (Reason.ANIMATED, lambda: dicom(NumberOfFrames=2)),
    "DICOM too low": (Reason.TOO_SMALL, lambda: dicom(TWELVE[:60])),
    "DICOM in colour": (
        Reason.UNSUPPORTED_FORMAT,
        lambda: dicom(SamplesPerPixel=3, PhotometricInterpretation="RGB"),
    ),
    "DICOM of 32 bits": (Reason.UNSUPPORTED_FORMAT, lambda: dicom(TWELVE.astype(np.uint32), 32)),
    "DICOM in MPEG": (
        Reason.UNSUPPORTED_FORMAT,
        lambda: compressed(b"\0\0\1\xb3", uid.MPEG2MPML, TWELVE),
    ),
    "DICOM of text alone": (Reason.UNSUPPORTED_FORMAT, lambda: written(_without_pixels())),
    "DICOM that inflates to 1 GB": (Reason.TOO_LARGE, lambda: _deflated(deflated_zeros(2**30)[2:])),
    "33 MB": (Reason.TOO_LARGE, lambda: _PNG + bytes(33 * 2**20)),
}

# Small files that say they are large: refused before they cost anything.
BOMBS: Final[dict[str, Maker]] = {
    "PNG": lambda: png(30_000, 30_000, deflated_zeros(900 * 2**20)),
    "JPEG": lambda: jpeg_of_size(65_500, 65_500),
    "WebP": lambda: webp_of_size(16_384, 16_384),
    "WebP, whose decoder holds much more": lambda: webp_of_size(5001, 5000),
    "BMP": lambda: bmp_of_size(30_000, 30_000),
    "PNG without its pixels": lambda: png(30_000, 30_000, zlib.compress(b"")),
    "TIFF without its strips": lambda: grey_tiff(30_000, 30_000, b"", rows=(278, 4, 1, 1)),
    "DICOM": lambda: dicom_of_size(65_535, 65_535),
    "DICOM in RLE": lambda: dicom_of_size(65_535, 65_535, "RLE"),
    "DICOM in lossless JPEG": lambda: dicom_of_size(65_535, 65_535, "JPEG lossless"),
    "DICOM in JPEG-LS": lambda: dicom_of_size(65_535, 65_535, "JPEG-LS"),
    "DICOM in JPEG 2000, whose decoder holds much more": lambda: dicom_of_size(5001, 5000, "JPEG 2000"),
    "TIFF": lambda: grey_tiff(30_000, 30_000, deflated_zeros(900 * 2**20), compression=(259, 3, 1, 8)),
}

# Small files of small pictures, with something large folded into them; some are read and some refused.
FOLDED: Final[dict[str, Maker]] = {
    "text in a PNG": lambda: _folded_png(chunk(b"zTXt", b"k\0\0" + deflated_zeros(2**30)) * 8),
    "profile in a PNG": lambda: _folded_png(chunk(b"iCCP", b"k\0\0" + deflated_zeros(2**30))),
    "a deflated DICOM": lambda: _deflated(deflated_zeros(2**30)[2:]),
    "precincts in a DICOM": lambda: jpeg_2000(precinct=1),
    "layers in a DICOM": lambda: jpeg_2000(layers=65_535),
    "elements in a DICOM": lambda: REFUSED["DICOM of a million private elements"][1](),
    "a size in a codestream": lambda: dicom_of_size(90, 121, "JPEG-LS"),
    "pixels in a PNG": lambda: png(64, 64, deflated_zeros(2**30)),
    "pixels in a TIFF": lambda: grey_tiff(64, 64, deflated_zeros(2**30), compression=(259, 3, 1, 8)),
    "tile in a TIFF": lambda: grey_tiff(
        *(64, 64, deflated_zeros(2**30)),
        compression=(259, 3, 1, 8),
        tile_width=(322, 4, 1, 32_768),
        tile_height=(323, 4, 1, 32_768),
        offsets=(324, 4, 1, 8),
        lengths=(325, 4, 1, 10**6),
    ),
    "tags in a TIFF": lambda: grey_tiff(
        64,
        64,
        bytes(64 * 64),
        text=(270, 2, 2**32 - 1, 8),
        xmp=(700, 1, 2**31, 8),
        profile=(34675, 7, 2**32 - 1, 0),
    ),
}


def _folded_png(extra: bytes) -> bytes:
    return png(64, 64, zlib.compress(bytes(65 * 64)), extra=extra)
