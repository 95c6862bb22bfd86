"""What a DICOM file says about itself: its description, and whether it can be a chest radiograph."""

import re
import zlib
from enum import StrEnum
from typing import Final, NamedTuple

from ml.formats.dicom_attributes import Attributes, Tag, read_attributes
from ml.formats.dicom_elements import IMPLICIT, LITTLE, Encoding, fragments, walk
from ml.formats.dicom_kind import check_kind
from ml.formats.image_error import ImageError, Reason

MAX_INFLATED: Final = 32 * 1024 * 1024  # of a deflated data set: as much as a file may have that is not

_PREAMBLE: Final = 128 + len(b"DICM")
_TYPED: Final = re.compile(rb"[A-Z]{2}")
_UID: Final = re.compile(r"[0-9.]{1,64}")
_RLE_MOST: Final = 64  # bytes that a byte can stand for
_OPENJPEG_WEIGHT: Final = 16


class Codec(StrEnum):
    """How pixels are compressed."""

    NONE = "none"
    RLE = "RLE"
    JPEG = "JPEG"
    JPEG_LS = "JPEG-LS"
    JPEG_2000 = "JPEG 2000"


_DEFLATED: Final = "1.2.840.10008.1.2.1.99"
_SYNTAXES: Final[dict[str, tuple[Encoding, Codec]]] = {
    "1.2.840.10008.1.2": (IMPLICIT, Codec.NONE),
    "1.2.840.10008.1.2.1": (LITTLE, Codec.NONE),
    _DEFLATED: (LITTLE, Codec.NONE),
    "1.2.840.10008.1.2.2": (Encoding(">", True), Codec.NONE),
    "1.2.840.10008.1.2.5": (LITTLE, Codec.RLE),
    "1.2.840.10008.1.2.4.50": (LITTLE, Codec.JPEG),  # baseline
    "1.2.840.10008.1.2.4.51": (LITTLE, Codec.JPEG),  # extended: 12 bits
    "1.2.840.10008.1.2.4.57": (LITTLE, Codec.JPEG),  # lossless
    "1.2.840.10008.1.2.4.70": (LITTLE, Codec.JPEG),  # lossless, of the first predictor
    "1.2.840.10008.1.2.4.80": (LITTLE, Codec.JPEG_LS),
    "1.2.840.10008.1.2.4.81": (LITTLE, Codec.JPEG_LS),  # near-lossless
    "1.2.840.10008.1.2.4.90": (LITTLE, Codec.JPEG_2000),
    "1.2.840.10008.1.2.4.91": (LITTLE, Codec.JPEG_2000),
}


class Picture(NamedTuple):
    """A DICOM file's picture, not decoded yet. ``stored`` bits of each sample count, up to ``high_bit``."""

    attributes: Attributes
    codec: Codec
    rows: int
    columns: int
    frames: int
    allocated: int
    stored: int
    high_bit: int
    signed: bool

    @property
    def weight(self) -> int:
        """Bytes that its decoder holds for each pixel."""
        return _OPENJPEG_WEIGHT if self.codec is Codec.JPEG_2000 else 4

    @property
    def sound(self) -> bool:
        """Whether there are bytes enough for the pixels, so far as that shows before decoding."""
        length, most = len(self.attributes.elements[Tag.PIXELS].value), self.rows * self.columns
        if self.codec is Codec.NONE:
            return most * self.allocated // 8 <= length
        return self.codec is not Codec.RLE or most * self.allocated // 8 <= length * _RLE_MOST

    def fragments(self) -> list[memoryview]:
        """The parts of its compressed pixels."""
        return fragments(self.attributes.elements[Tag.PIXELS].value)[1:]


def read_dicom(data: bytes) -> Picture:
    """The description of a DICOM file. Decodes nothing.

    Raises ImageError for what is no chest radiograph or of a kind that is not taken, and struct.error,
    LookupError, ArithmeticError or ValueError where the file makes no sense.
    """
    syntax, start = _file_meta(memoryview(data)[_PREAMBLE:])
    rest = memoryview(data)[_PREAMBLE + start :]
    if not syntax:
        syntax = "1.2.840.10008.1.2.1" if _TYPED.fullmatch(bytes(rest[4:6])) else "1.2.840.10008.1.2"
    if syntax not in _SYNTAXES:
        raise _not_taken(f"images of transfer syntax {syntax}")
    encoding, codec = _SYNTAXES[syntax]
    attributes = read_attributes(_inflated(rest) if syntax == _DEFLATED else rest, encoding)
    check_kind(attributes)
    return _described(attributes, codec)


def _file_meta(data: memoryview) -> tuple[str, int]:
    """The transfer syntax, empty where none is given, and where the data set begins."""
    syntax, end, elements = "", 0, walk(data, LITTLE)
    while bytes(data[end : end + 2]) == b"\2\0":  # what follows group 2 may be written in another way
        element = next(elements)
        if element.tag == Tag.TRANSFER_SYNTAX:
            syntax = bytes(element.value).decode("ascii").rstrip(" \0")
        end = element.after
    if syntax and not _UID.fullmatch(syntax):
        raise ValueError("a transfer syntax that is no identifier")
    return syntax, end


def _inflated(data: memoryview) -> memoryview:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated = inflater.decompress(data, MAX_INFLATED)
    except zlib.error as error:
        raise ValueError("a data set that is not deflated") from error
    if inflater.unconsumed_tail:
        raise ImageError(Reason.TOO_LARGE, f"The DICOM file inflates to over {MAX_INFLATED // 2**20} MB.")
    return memoryview(inflated)


def _described(attributes: Attributes, codec: Codec) -> Picture:
    if Tag.PIXELS not in attributes.elements:
        raise _not_taken("files without a picture of whole numbers")
    if attributes.integer(Tag.SAMPLES_PER_PIXEL, 1) != 1 or attributes.text(Tag.PHOTOMETRIC) not in _GREY:
        raise _not_taken("images in colour")
    allocated = attributes.integer(Tag.BITS_ALLOCATED)
    stored = attributes.integer(Tag.BITS_STORED, allocated)
    if allocated not in (8, 16) or stored < 8:
        raise _not_taken(f"images of {stored} bits in {allocated}")
    high_bit = attributes.integer(Tag.HIGH_BIT, stored - 1)
    if not stored <= high_bit + 1 <= allocated:
        raise ValueError(f"{stored} bits up to bit {high_bit} of {allocated}")
    return Picture(
        attributes,
        codec,
        rows=attributes.integer(Tag.ROWS),
        columns=attributes.integer(Tag.COLUMNS),
        frames=int(attributes.decimal(Tag.FRAMES) or 1),
        allocated=allocated,
        stored=stored,
        high_bit=high_bit,
        signed=attributes.integer(Tag.SIGNED, 0) == 1,
    )


def _not_taken(what: str) -> ImageError:
    taken = "Grey ones of 8 to 16 bits are: uncompressed, or in RLE, JPEG, JPEG-LS or JPEG 2000."
    return ImageError(Reason.UNSUPPORTED_FORMAT, f"DICOM {what} are not taken. {taken}")


_GREY: Final = ("MONOCHROME1", "MONOCHROME2")
