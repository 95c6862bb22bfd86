"""From the bytes of an image file to what the classifier sees, or to the reason why not."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops
from PIL.Image import Resampling, Transpose

from ml.formats.container import Container
from ml.formats.image_error import ImageError, Reason, corrupt
from ml.formats.opening import DEEP_MODES, MAX_BYTES, MEDIA_TYPES, accepted, opened

__all__ = ["MAX_BYTES", "PREPROCESSING", "Decoded", "ImageError", "Reason", "decode", "prepare"]

PREPROCESSING: Final = "grey-stretch-224"  # what ``prepare`` does; a model names what it was trained on
LARGEST_SIDE: Final = 1024  # of decoded pixels: over four times 224, so that shrinking twice loses nothing
STRIP_PIXELS: Final = 2**22  # are turned to grey at a time
FLOAT_LIMIT: Final = 1e30  # of a float sample: sums of many stay finite in float32

Pixels = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Decoded:
    """A decoded image: its luminance, and what its file is.

    ``pixels`` is (H, W) float32 from 0, black, to 1, white, upright. A side of more than 1,024 pixels is
    shrunk to that, each side by itself; ``width`` and ``height`` are the whole picture's, upright too.
    """

    pixels: Pixels
    format: str
    media_type: str
    width: int
    height: int


TO_UPRIGHT: Final = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}


def prepare(pixels: NDArray[np.floating], size: int = 224) -> Pixels:
    """Luminance (H, W) in 0..1, stretched to (size, size) float32 whatever its proportions.

    The whole picture is stretched, as in Orozco et al. 2020, Algorithm 1. The filter is the triangle, widened
    when shrinking so that it averages all it covers: as in the evaluation of torchvision's VGG16, and unlike
    Lanczos it never leaves the range of its input.
    """
    picture = Image.fromarray(np.ascontiguousarray(pixels, dtype=np.float32))
    stretched: Pixels = np.asarray(picture.resize((size, size), Resampling.BILINEAR))
    return np.clip(stretched, 0, 1)


def decode(data: bytes) -> Decoded:
    """The picture in an image file, its kind told by its content alone.

    Grey is Rec. 601 luminance. Up to 8 bits a sample, 0 is black and 255 white. Deeper samples (12 bits in
    16, 16, 32, floats) have no such scale, since files do not say how much of it is used: the file's lowest
    value is black and its highest white; of DICOM, that of what a viewer shows (see
    ``ml.formats.dicom_display``). Transparency is laid over black, which is what a radiograph shows where
    there is no patient.

    Raises ImageError.
    """
    container = accepted(data)
    width, height = container.width, container.height
    if container.orientation in (5, 6, 7, 8):
        width, height = height, width
    return Decoded(_luminance(container), container.format, MEDIA_TYPES[container.format], width, height)


def _luminance(container: Container) -> Pixels:
    image = opened(container)
    try:
        shrunk, low, high = _shrunk(image, container)
    except Exception as error:  # Pillow and its libraries raise a dozen kinds where the bytes lie
        raise corrupt(container.format) from error
    if container.orientation in TO_UPRIGHT:
        shrunk = shrunk.transpose(TO_UPRIGHT[container.orientation])
    black, white = (high, low) if container.inverted else (low, high)
    span = white - black or 1.0  # deep samples that are all the same are black
    return (np.asarray(shrunk, dtype=np.float32) - np.float32(black)) / np.float32(span)


def _shrunk(image: Image.Image, container: Container) -> tuple[Image.Image, float, float]:
    """The picture in grey, no side over LARGEST_SIDE, and the samples that are black and white in it.

    A JPEG's decoder gives luminance alone, at a half, a quarter or an eighth where that is enough. What is
    still large then shrinks by whole factors, strip by strip in integers where it has integers, and
    at last by the triangle. No more than one decoded picture and a strip are ever held.
    """
    draft = image.draft("L", (LARGEST_SIDE, LARGEST_SIDE))
    right, bottom = draft[1][2:] if draft else image.size  # where the picture ends within its last pixels
    across, down = (max(1, side // LARGEST_SIDE) for side in image.size)
    reduced, low, high = _reduced(image, across, down, container.deep)
    target = min(container.width, LARGEST_SIDE), min(container.height, LARGEST_SIDE)
    shrunk = reduced.resize(target, Resampling.BILINEAR, (0, 0, right / across, bottom / down))
    return shrunk, low, high


def _reduced(image: Image.Image, across: int, down: int, deep: bool) -> tuple[Image.Image, float, float]:
    """The picture in grey, averaged over ``across`` by ``down`` samples, and its black and its white."""
    width, height = image.size
    rows = down * max(1, STRIP_PIXELS // (width * down))
    ends = [] if deep else [0.0, 255.0]
    reduced = Image.new("F" if image.mode in DEEP_MODES else "L", (-(-width // across), -(-height // down)))
    for top in range(0, height, rows):
        strip = grey(image.crop((0, top, width, min(top + rows, height))))
        if deep:
            ends += extremes(strip)
        reduced.paste(strip.reduce((across, down)), (0, top // down))
    return reduced, min(ends), max(ends)


def extremes(strip: Image.Image) -> tuple[float, float]:
    """The lowest and the highest sample. Raises ValueError where they cannot be reckoned with."""
    samples = np.asarray(strip)
    low, high = float(samples.min()), float(samples.max())
    if not -FLOAT_LIMIT < low <= high < FLOAT_LIMIT:
        raise ValueError("samples that are infinite, no numbers, or too large to add up")
    return low, high


def grey(image: Image.Image) -> Image.Image:
    """Luminance over black: mode L, or F for samples of more than 8 bits."""
    if image.mode in DEEP_MODES:
        return image.convert("F")
    if image.mode == "La":
        return image.getchannel("L")  # has been multiplied by its alpha already
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return ImageChops.multiply(image.convert("L"), image.getchannel("A"))
    return (image.convert("RGB") if image.mode == "LAB" else image).convert("L")
