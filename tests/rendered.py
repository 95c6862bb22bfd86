"""What a browser shows of an image file, by Pillow's reading."""

from __future__ import annotations

import io
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps


class Rendered(NamedTuple):
    """All the pixels of a picture, upright: greys of 16 bits, or else red, green, blue and alpha."""

    shape: tuple[int, ...]
    pixels: bytes


def rendered(data: bytes) -> Rendered:
    """The picture in a file. Raises what Pillow raises."""
    with Image.open(io.BytesIO(data)) as image:
        upright = ImageOps.exif_transpose(image)
        pixels = np.asarray(upright if upright.mode.startswith("I") else upright.convert("RGBA"))
    return Rendered(pixels.shape, pixels.tobytes())
