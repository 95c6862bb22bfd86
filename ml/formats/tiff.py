"""TIFF's directories of tags: a TIFF's description, and the orientation that EXIF gives in any format."""

import struct
from typing import Final, NamedTuple

from ml.formats.image_error import unsupported

_BIG: Final = (b"II+\0", b"MM\0+")
_MAX_VALUES: Final = 65_536  # of one tag: strips or tiles, mostly

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 256, 257, 258, 259, 262, 266
_STRIP_OFFSETS, _ORIENTATION, _SAMPLES, _ROWS_PER_STRIP, _STRIP_BYTES = 273, 274, 277, 278, 279
_PLANAR, _PREDICTOR, _PALETTE, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS = 284, 317, 320, 322, 323, 324
_TILE_BYTES, _EXTRA_SAMPLES, _SAMPLE_FORMAT, _JPEG_TABLES, _SUBSAMPLING = 325, 338, 339, 347, 530

# What decoding takes. XMP, EXIF, ICC, GPS, thumbnails and private tags never reach a decoder.
_SINGLE: Final = {
    *(_WIDTH, _HEIGHT, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER, _SAMPLES, _ROWS_PER_STRIP, _PLANAR),
    *(_PREDICTOR, _TILE_WIDTH, _TILE_HEIGHT),
}
_MANY: Final = {
    *(_BITS, _STRIP_OFFSETS, _STRIP_BYTES, _PALETTE, _TILE_OFFSETS, _TILE_BYTES),
    *(_EXTRA_SAMPLES, _SAMPLE_FORMAT, _JPEG_TABLES, _SUBSAMPLING),
}

# None, CCITT, LZW, JPEG, Deflate, PackBits. Of libtiff's other codecs LZMA lets a small file ask for
# gigabytes, and none is met in radiology.
_COMPRESSIONS: Final = {1, 2, 3, 4, 5, 7, 8, 32773, 32946}

_INTEGERS: Final = {1: "B", 3: "H", 4: "I", 7: "B", 16: "Q"}  # BYTE, SHORT, LONG, UNDEFINED, LONG8
_TILE_PIXELS: Final = 2048 * 2048  # a tile holds more only in a picture that does


class Layout(NamedTuple):
    """How a file writes its directories: struct formats, in the file's byte order."""

    header: str  # up to and with the first directory's offset
    number: str  # of entries
    entry: str  # tag, type, number of values, the values or their offset
    pointer: str


class Tags(NamedTuple):
    """The integer tags of a file's first directory, and whether another directory (a page) follows."""

    values: dict[int, tuple[int, ...]]
    more: bool

    def first(self, tag: int, default: int) -> int:
        """The tag's first value."""
        return self.values.get(tag, (default,))[0]


class Tiff(NamedTuple):
    """What a TIFF says about itself; ``parts`` is the file over again, with the tags that decoding takes."""

    width: int
    height: int
    parts: tuple[bytes | memoryview, ...]
    orientation: int
    frames: int
    deep: bool
    inverted: bool
    weight: int
    sound: bool


def read_tiff(data: bytes) -> Tiff:
    """The description of a TIFF or BigTIFF, without decoding.

    Raises ImageError for a kind that is not taken, and struct.error, LookupError,
    ArithmeticError or ValueError where the file makes no sense.
    """
    tags = _read_tags(data, _SINGLE | _MANY | {_ORIENTATION})
    _check_kind(tags)
    bits = max(tags.values.get(_BITS, (1,)))
    return Tiff(
        width=tags.values[_WIDTH][0],
        height=tags.values[_HEIGHT][0],
        parts=_rewritten(data, tags),
        orientation=_turning(tags),
        frames=1 + tags.more,
        deep=bits > 8,
        inverted=bits > 8 and tags.first(_PHOTOMETRIC, 0) == 0,  # Pillow inverts up to 8 bits by itself
        weight=max(4, bits * tags.first(_SAMPLES, 1) // 8),
        sound=_is_sound(tags, len(data)),
    )


def orientation(block: bytes) -> int:
    """The orientation, 1 to 8, in a block of EXIF; 1 where it gives none or cannot be read."""
    try:
        return _turning(_read_tags(block.removeprefix(b"Exif\0\0"), {_ORIENTATION}))
    except (struct.error, LookupError, ArithmeticError, ValueError):
        return 1


def _turning(tags: Tags) -> int:
    given = tags.first(_ORIENTATION, 1)
    return given if 1 <= given <= 8 else 1


def exif(orientation: int) -> bytes:
    """A block of EXIF that gives the orientation, 1 to 8, and nothing else."""
    return struct.pack(">2sHIHHHIHHI", b"MM", 42, 8, 1, _ORIENTATION, 3, 1, orientation, 0, 0)


def _layout(data: bytes) -> Layout:
    order = {b"II": "<", b"MM": ">"}[data[:2]]
    if data[:4] in _BIG:
        return Layout(order + "8xQ", order + "Q", order + "HHQ8s", order + "Q")
    return Layout(order + "4xI", order + "H", order + "HHI4s", order + "I")


def _read_tags(data: bytes, wanted: set[int]) -> Tags:
    layout = _layout(data)
    (start,) = struct.unpack_from(layout.header, data)
    (count,) = struct.unpack_from(layout.number, data, start)
    start += struct.calcsize(layout.number)
    step = struct.calcsize(layout.entry)
    values: dict[int, tuple[int, ...]] = {}
    for at in range(start, start + min(count, _MAX_VALUES) * step, step):
        tag, kind, length, inline = struct.unpack_from(layout.entry, data, at)
        if tag in wanted and tag not in values and kind in _INTEGERS and length:
            values[tag] = _values(data, layout, _INTEGERS[kind], length, inline)
    (following,) = struct.unpack_from(layout.pointer, data, start + count * step)
    return Tags(values, more=following != 0)


def _values(data: bytes, layout: Layout, code: str, length: int, inline: bytes) -> tuple[int, ...]:
    if length > _MAX_VALUES:
        raise ValueError(f"a tag of {length} values")
    form = f"{layout.pointer[0]}{length}{code}"
    if struct.calcsize(form) <= len(inline):
        return struct.unpack_from(form, inline)
    return struct.unpack_from(form, data, struct.unpack(layout.pointer, inline)[0])


def _check_kind(tags: Tags) -> None:
    compression = tags.first(_COMPRESSION, 1)
    if compression not in _COMPRESSIONS:
        raise unsupported(f"TIFF images of compression {compression}")
    if tags.first(_BITS, 1) == 32 and tags.first(_SAMPLE_FORMAT, 1) == 1:
        raise unsupported("TIFF images of 32-bit unsigned numbers")  # Pillow takes them for signed ones


def _is_sound(tags: Tags, end: int) -> bool:
    """Whether all strips or tiles are given, lie before the file's ``end``, and none is outsize.

    Pillow shows missing strips black, and makes room for a tile whatever the size of the picture.
    """
    width, height = tags.values[_WIDTH][0], tags.values[_HEIGHT][0]
    across, down = tags.first(_TILE_WIDTH, width), tags.first(_TILE_HEIGHT, height)
    outsize = across * down > max(width * height, _TILE_PIXELS)
    places = (_TILE_OFFSETS, _TILE_BYTES)
    if _STRIP_OFFSETS in tags.values:
        places = (_STRIP_OFFSETS, _STRIP_BYTES)
        across, down = width, min(height, tags.first(_ROWS_PER_STRIP, height))
    planes = tags.first(_SAMPLES, 1) if tags.first(_PLANAR, 1) == 2 else 1
    needed = -(-width // across) * -(-height // down) * planes
    ends = [offset + length for offset, length in zip(*(tags.values[tag] for tag in places), strict=False)]
    return not outsize and len(ends) >= needed and max(ends) <= end


def _rewritten(data: bytes, tags: Tags) -> tuple[bytes | memoryview, ...]:
    """The file in parts: a classic header, the old content in its old place, and a directory of our own."""
    order = _layout(data).pointer[0]
    blobs = [
        (tag, *_blob(tag, values, order))
        for tag, values in sorted(tags.values.items())
        if tag != _ORIENTATION
    ]
    directory, tail = struct.pack(order + "H", len(blobs)), b""
    tail_at = len(data) + 2 + 12 * len(blobs) + 4
    for tag, kind, length, blob in blobs:
        place = blob.ljust(4, b"\0") if len(blob) <= 4 else struct.pack(order + "I", tail_at + len(tail))
        directory += struct.pack(order + "HHI4s", tag, kind, length, place)
        tail += blob if len(blob) > 4 else b""
    header = data[:2] + struct.pack(order + "HI", 42, len(data))
    return header, memoryview(data)[8:], directory, bytes(4), tail


def _blob(tag: int, values: tuple[int, ...], order: str) -> tuple[int, int, bytes]:
    """A tag's type, number of values and bytes: all LONG, which readers take for any integer tag."""
    if tag == _JPEG_TABLES:
        return 7, len(values), bytes(values)
    values = values[:1] if tag in _SINGLE else values
    return 4, len(values), struct.pack(f"{order}{len(values)}I", *values)
