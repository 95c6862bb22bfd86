"""From a DICOM picture's bytes to its samples, whatever compressed them."""

import struct
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from imagecodecs import dicomrle_decode, jpeg2k_decode, jpeg8_decode, jpegls_decode
from numpy.typing import NDArray

from ml.formats import jpeg_2000
from ml.formats.dicom import Codec, Picture
from ml.formats.dicom_attributes import Tag

MAX_SEGMENTS: Final = 1024  # before a codestream's pixels

Words = NDArray[np.uint16] | NDArray[np.uint8]

_JPEG_FRAMES: Final = (0xC0, 0xC1, 0xC3)  # baseline, extended, lossless
_JPEG_LS_FRAMES: Final = (0xF7,)
_SCAN: Final = 0xDA
_END_OF_IMAGE: Final = b"\xff\xd9"


class Samples(NamedTuple):
    """(rows, columns) words, and which of their bits count: ``bits``, from ``shift`` on."""

    words: Words
    bits: int
    shift: int


def read_samples(picture: Picture) -> Samples:
    """The samples of a picture whose size has been checked.

    Raises ValueError, struct.error, LookupError or an error of the codec's where the file is corrupt.
    """
    words, precision = _READERS[picture.codec](picture)
    shift = picture.high_bit + 1 - picture.stored if precision > picture.high_bit else 0
    return Samples(words, min(picture.stored, precision), shift)


def _native(picture: Picture) -> tuple[Words, int]:
    element, order = picture.attributes.elements[Tag.PIXELS], picture.attributes.encoding.order
    count = picture.rows * picture.columns
    # Eight bits written as words lie swapped in pairs where words are big-endian.
    as_words = picture.allocated == 16 or (order == ">" and element.kind == b"OW")
    dtype, length = (f"{order}u2", -(-count * picture.allocated // 16)) if as_words else ("u1", count)
    words = np.frombuffer(element.value, dtype, length)
    if as_words:
        words = words.astype("<u2", copy=False)
    samples = words.view(f"<u{picture.allocated // 8}")[:count]
    return samples.reshape(picture.rows, picture.columns), picture.allocated


def _rle(picture: Picture) -> tuple[Words, int]:
    (fragment,) = picture.fragments()
    samples = _room(picture, picture.allocated)
    whole = dicomrle_decode(bytes(fragment), samples.dtype, out=memoryview(samples).cast("B"))
    if len(whole) != samples.nbytes:
        raise ValueError("runs that are too short for the picture")
    return samples, picture.allocated


def _jpeg(picture: Picture) -> tuple[Words, int]:
    return _jpeg_family(picture, _JPEG_FRAMES, jpeg8_decode)


def _jpeg_ls(picture: Picture) -> tuple[Words, int]:
    return _jpeg_family(picture, _JPEG_LS_FRAMES, _ended_jpeg_ls)


def _ended_jpeg_ls(stream: bytes, out: Words) -> None:
    """CharLS looks for the end of a scan that is cut short for seconds, but stops at any that it finds."""
    jpegls_decode(stream + _END_OF_IMAGE, out=out)


def _jpeg_family(
    picture: Picture, frames: tuple[int, ...], decode: Callable[..., object]
) -> tuple[Words, int]:
    stream = b"".join(picture.fragments())
    precision, rows, columns, components = struct.unpack_from(">BHHB", _frame(stream, frames))
    if (rows, columns, components) != (picture.rows, picture.columns, 1):
        raise ValueError("a codestream of another size")
    samples = _room(picture, precision)
    decode(stream, out=samples)
    return samples, precision


def _jpeg_2000(picture: Picture) -> tuple[Words, int]:
    stream = b"".join(picture.fragments())
    stream = stream[stream.index(b"\xff\x4f\xff\x51") :]  # some are wrapped in a file of their own
    precision, signed = jpeg_2000.check(stream, picture.rows, picture.columns)
    samples = _room(picture, precision)
    jpeg2k_decode(stream, out=samples.view(f"<i{samples.itemsize}") if signed else samples)
    return samples, precision


def _room(picture: Picture, precision: int) -> Words:
    """An array for the samples. The codecs refuse to fill one that is not just as they want it."""
    if not 1 <= precision <= picture.allocated:
        raise ValueError(f"samples of {precision} bits in {picture.allocated}")
    # Zeros: what a codec leaves out of a stream that is cut short must not be whatever memory held before.
    size = picture.rows, picture.columns
    return np.zeros(size, np.uint8) if precision <= 8 else np.zeros(size, np.uint16)


def _frame(stream: bytes, kinds: tuple[int, ...]) -> memoryview:
    """The header of a JPEG's or JPEG-LS's frame."""
    at = 2
    for _ in range(MAX_SEGMENTS):
        marker, code, length = struct.unpack_from(">BBH", stream, at)
        if marker != 0xFF or code == _SCAN:
            break
        if code in kinds:
            return memoryview(stream)[at + 4 : at + 2 + length]
        at += 2 + length
    raise ValueError("a codestream without the frame that its transfer syntax promises")


_READERS: Final[dict[Codec, Callable[[Picture], tuple[Words, int]]]] = {
    Codec.NONE: _native,
    Codec.RLE: _rle,
    Codec.JPEG: _jpeg,
    Codec.JPEG_LS: _jpeg_ls,
    Codec.JPEG_2000: _jpeg_2000,
}
