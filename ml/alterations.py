"""Changes to a radiograph that leave its disease as it is: what a finding should not hang on."""

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.Image import Resampling
from scipy.ndimage import gaussian_filter

from ml import chest, lungs
from ml.chest import Box
from ml.image import Decoded, Pixels

CHEST_ONLY: Final = "only the chest shown"
LUNGS_ONLY: Final = "only the lung fields shown"
REST_VEILED: Final = "all but the lung fields blurred"
LUNGS_VEILED: Final = "the lung fields blurred"
BORDER_ONLY: Final = "only the border shown"

JPEG_QUALITY: Final = 60
BLUR: Final = 0.004  # of the long side, the blur's standard deviation
VEIL: Final = 0.06  # likewise, of a blur that leaves light and dark alone
MARKER: Final = 0.06  # of the height, that of the letters
BORDER: Final = 0.1  # of a side, on each of its ends
GREY: Final = 0.5


def views(decoded: Decoded) -> Iterator[Decoded]:
    """The picture after each of the changes, in the order of NAMES.

    The first three grey out what is not in the box in which the chest was found, not in the lung fields of
    the mean chest laid over it (`ml.lungs`), and what is in that box. The next two veil what is not in the
    lung fields, and what is: where half of a picture is grey, a network sees an outline that no film has.
    """
    pixels = decoded.pixels
    found, (height, width) = chest.standardise(decoded).box, pixels.shape
    box, in_lungs = _inside(found, height, width), lungs.inside((height, width), found)
    hidden, border = np.full_like(pixels, GREY), pixels.copy()
    hidden[box], border[box] = pixels[box], GREY
    veiled = gaussian_filter(pixels, VEIL * max(height, width))
    for changed in (
        hidden,
        np.where(in_lungs, pixels, np.float32(GREY)),
        border,
        np.where(in_lungs, pixels, veiled),
        np.where(in_lungs, veiled, pixels),
    ):
        yield replace(decoded, pixels=changed)
    for change in CHANGES.values():
        yield change(decoded)


def _inside(box: Box, height: int, width: int) -> tuple[slice, slice]:
    """A box in shares of the picture, as rows and columns."""
    top, bottom = (round(np.clip(y, 0, 1) * height) for y in (box.y, box.y + box.height))
    left, right = (round(np.clip(x, 0, 1) * width) for x in (box.x, box.x + box.width))
    return slice(top, bottom), slice(left, right)


def _recompressed(decoded: Decoded) -> Decoded:
    buffer = io.BytesIO()
    _as_image(decoded.pixels).save(buffer, "JPEG", quality=JPEG_QUALITY)
    with Image.open(buffer) as picture:
        return replace(decoded, pixels=_as_pixels(picture))


def _halved(decoded: Decoded) -> Decoded:
    height, width = (max(1, side // 2) for side in decoded.pixels.shape)
    picture = Image.fromarray(decoded.pixels).resize((width, height), Resampling.BILINEAR)
    return replace(
        decoded,
        pixels=np.asarray(picture),
        width=max(1, decoded.width // 2),
        height=max(1, decoded.height // 2),
    )


def _gamma(exponent: float) -> Callable[[Decoded], Decoded]:
    return lambda decoded: replace(decoded, pixels=np.clip(decoded.pixels, 0, 1) ** np.float32(exponent))


def _blurred(decoded: Decoded) -> Decoded:
    return replace(decoded, pixels=gaussian_filter(decoded.pixels, BLUR * max(decoded.pixels.shape)))


def _marked(decoded: Decoded) -> Decoded:
    """A side marker and a line of text, burnt in at two corners."""
    picture = _as_image(decoded.pixels)
    width, height = picture.size
    size = max(8, round(MARKER * height))
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(size)
    pen.text((width - size // 2, size // 2), "L", fill=255, font=font, anchor="ra")
    pen.text((size // 2, height - size // 2), "AP 14:32", fill=255, font=font, anchor="ls")
    return replace(decoded, pixels=_as_pixels(picture))


def _bordered(decoded: Decoded) -> Decoded:
    down, across = (round(BORDER * side) for side in decoded.pixels.shape)
    return replace(
        decoded,
        pixels=np.pad(decoded.pixels, ((down, down), (across, across))),
        width=round((1 + 2 * BORDER) * decoded.width),
        height=round((1 + 2 * BORDER) * decoded.height),
    )


def _as_image(pixels: Pixels) -> Image.Image:
    return Image.fromarray((np.clip(pixels, 0, 1) * 255).round().astype(np.uint8))


def _as_pixels(picture: Image.Image) -> Pixels:
    return np.asarray(picture, np.float32) / np.float32(255)


CHANGES: Final[Mapping[str, Callable[[Decoded], Decoded]]] = {
    f"JPEG of quality {JPEG_QUALITY}": _recompressed,
    "half the size": _halved,
    "gamma 0.7": _gamma(0.7),
    "gamma 1.4": _gamma(1.4),
    "blurred": _blurred,
    "letters burnt in": _marked,
    "black borders added": _bordered,
}
NAMES: Final = (CHEST_ONLY, LUNGS_ONLY, BORDER_ONLY, REST_VEILED, LUNGS_VEILED, *CHANGES)
