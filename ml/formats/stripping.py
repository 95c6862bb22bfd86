"""An image file without anything but its picture: what may be stored of it."""

from collections.abc import Iterator
from io import BytesIO
from typing import Final

import numpy as np
from PIL import Image

from ml.formats import tiff
from ml.formats.container import Container
from ml.formats.image_error import ImageError, Reason, corrupt
from ml.formats.opening import MAX_BYTES, accepted, opened
from ml.image import STRIP_PIXELS, extremes, grey

QUICK: Final = 1  # deflate's level

_CUT: Final = ("PNG", "JPEG", "WebP")
_IN_PNG: Final = ("1", "L", "LA", "P", "RGB", "RGBA")
_WHITE: Final = 65_535


def strip(data: bytes) -> bytes:
    """The picture in an image file, and its orientation; no text, EXIF, profile, thumbnail or DICOM element.

    A PNG, JPEG or WebP is cut: its pixels stay as they are compressed. A TIFF, BMP or DICOM file becomes a
    PNG, which browsers show: of up to 8 bits a sample with the same pixels, of more in grey, its lowest value
    black. ``ml.image.decode`` gives the same luminance for what comes out as for ``data``, but for rounding
    in the last bits, and for samples that take more than 16 bits, which then differ by up to 1/131,070.

    Raises ImageError.
    """
    container = accepted(data)
    if container.format in _CUT:
        return b"".join(container.parts)
    image = opened(container)
    try:
        stripped = _png(_plain(image, container), container.orientation)
    except Exception as error:  # as in ``ml.image``: Pillow's libraries raise a dozen kinds
        raise corrupt(container.format) from error
    if len(stripped) > MAX_BYTES:
        message = f"The picture takes more than {MAX_BYTES // 2**20} MB where nothing of it is lost."
        raise ImageError(Reason.TOO_LARGE, message)
    return stripped


def _plain(image: Image.Image, container: Container) -> Image.Image:
    """The picture in a mode that PNG has."""
    if container.format == "DICOM":
        return image
    if container.deep:
        return _sixteen_bits(image, container.inverted)
    return image if image.mode in _IN_PNG else grey(image)


def _sixteen_bits(image: Image.Image, inverted: bool) -> Image.Image:
    """Grey from 0 to 65,535, or nearly: whole numbers are multiplied by a whole number, and so stay exact."""
    ends = [end for strip in _strips(image) for end in extremes(strip)]
    low, high = min(ends), max(ends)
    span = high - low or 1.0
    factor = _WHITE // span if image.mode != "F" and span <= _WHITE else _WHITE / span
    words = [
        np.rint((high - samples if inverted else samples - low) * factor).astype(np.uint16)
        for samples in (np.asarray(strip, dtype=np.float64) for strip in _strips(image))
    ]
    return Image.fromarray(np.concatenate(words))


def _strips(image: Image.Image) -> Iterator[Image.Image]:
    """The picture in grey, from top to bottom."""
    width, height = image.size
    rows = max(1, STRIP_PIXELS // width)
    return (grey(image.crop((0, top, width, min(top + rows, height)))) for top in range(0, height, rows))


def _png(image: Image.Image, orientation: int) -> bytes:
    file = BytesIO()
    exif = tiff.exif(orientation) if orientation != 1 else None
    image.save(file, "PNG", compress_level=QUICK, exif=exif, icc_profile=None)
    return file.getvalue()
