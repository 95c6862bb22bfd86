"""The whole picture of an image file, upright, as plain samples to be written anew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.formats.container import Container
from ml.formats.image_error import ImageError, Reason, corrupt
from ml.formats.opening import DEEP_MODES, accepted, opened
from ml.image import STRIP_PIXELS, TO_UPRIGHT
from ml.png import Raster

Samples = NDArray[np.uint8]

LARGEST: Final = 64_000_000
"""Bytes of all samples: 64 megapixels of grey, 32 of deep grey, 21 in colour; films have 20."""

_ACROSS: Final = (5, 6, 7, 8)  # orientations whose columns are the rows of the upright picture
_BACKWARDS: Final = (3, 4, 7, 8)  # and those that begin at the end
_CHANNELS: Final = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}


def full_size(data: bytes) -> Raster:
    """All the pixels of a file that is kept (see ``ml.formats.stripping``), as browsers show them.

    Greys of more than 8 bits keep 16, colours have 8, and those that are all grey are greys. No palette, no
    orientation and no profile is left: they have done their work, or are none of what is kept.

    Raises ImageError, TOO_LARGE of what has more than `LARGEST` bytes.
    """
    container = accepted(data)
    image = opened(container)
    try:
        mode = _mode(image)
        if container.width * container.height * (_CHANNELS[mode] if mode else 2) > LARGEST:
            raise _too_large()
        strips = [_samples(strip, mode) for strip in _strips(image, container.orientation)]
        if mode == "RGB" and all(map(_is_grey, strips)):
            mode, strips = "L", [np.ascontiguousarray(strip[:, :, 0]) for strip in strips]
    except ImageError:
        raise
    except Exception as error:  # as in ``ml.image``: Pillow's libraries raise a dozen kinds
        raise corrupt(container.format) from error
    width, height = _upright(container)
    channels, depth = (_CHANNELS[mode], 8) if mode else (1, 16)
    return Raster(width, height, channels, depth, [memoryview(strip).cast("B") for strip in strips])


def _too_large() -> ImageError:
    where = "the copy of all that is yours, on the page Account, has it"
    return ImageError(
        Reason.TOO_LARGE, f"This picture is too large to be shown with all its pixels: {where}."
    )


def _upright(container: Container) -> tuple[int, int]:
    width, height = container.width, container.height
    return (height, width) if container.orientation in _ACROSS else (width, height)


def _mode(image: Image.Image) -> str | None:
    """What its pixels are shown in; None for greys of 16 bits."""
    if image.mode in DEEP_MODES:
        return None
    if image.has_transparency_data:
        return "LA" if image.mode == "LA" else "RGBA"
    return "L" if image.mode in ("1", "L") else "RGB"


def _strips(image: Image.Image, orientation: int) -> Iterator[Image.Image]:
    """The picture from top to bottom, upright, a few rows at a time: turned whole it would be there twice."""
    width, height = image.size
    across = orientation in _ACROSS
    rows, row = (width, height) if across else (height, width)
    step = max(1, STRIP_PIXELS // row)
    for top in range(0, rows, step):
        first, last = top, min(top + step, rows)
        if orientation in _BACKWARDS:
            first, last = rows - last, rows - first
        strip = image.crop((first, 0, last, height) if across else (0, first, width, last))
        yield strip.transpose(TO_UPRIGHT[orientation]) if orientation in TO_UPRIGHT else strip


def _samples(strip: Image.Image, mode: str | None) -> Samples:
    if mode is None:
        return np.asarray(strip).astype(">u2").view(np.uint8)
    return np.asarray(strip if strip.mode == mode else strip.convert(mode))


def _is_grey(colours: Samples) -> bool:
    red, green, blue = (colours[:, :, channel] for channel in range(3))
    return bool((red == green).all() and (green == blue).all())
