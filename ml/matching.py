"""Finds the place in a radiograph that is most like a template, whatever the exposure."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Resampling
from scipy.ndimage import gaussian_filter
from scipy.signal import fftconvolve

from ml.image import Pixels

SEARCHED: Final = 96  # pixels on the long side where the chest is looked for
MARGIN: Final = 8  # of them around the picture, since a chest may reach over its edge
INVERTED: Final = 0.07  # a negative must match by so much better; of 1,307 radiographs none did


class Box(NamedTuple):
    """A rectangle, in pixels of a picture; it may reach over the edge."""

    x: float
    y: float
    width: float
    height: float


class Match(NamedTuple):
    """Where a template fits best, in pixels of what was searched, and how well: see `ml.chest.Chest`."""

    score: float
    likeness: float
    box: Box
    inverted: bool


def shrunk(picture: Pixels) -> Pixels:
    """The picture at the size at which it is searched."""
    scale = min(1.0, SEARCHED / max(picture.shape))
    height, width = (max(8, round(side * scale)) for side in picture.shape)
    return resized(picture, width, height)


def contrasted(small: Pixels) -> Pixels:
    """What is searched: a margin around the picture, and the local contrast evened out."""
    return local_contrast(np.pad(small, MARGIN, mode="edge"), 12, 0.3)


def matches(searched: Pixels, template: Pixels, shape: tuple[int, ...], prior: float) -> Iterator[Match]:
    """The best place for a template (h, w) of mean 0 and variance 1, as it is and in negative.

    ``shape`` is that of the picture without the margin.
    """
    (h, w), (height, width) = template.shape, shape
    products = fftconvolve(searched, template[::-1, ::-1], "valid") / template.size
    variance = _means(searched**2, w, h) - _means(searched, w, h) ** 2
    correlation = products / np.sqrt(np.maximum(variance, 1e-3))
    y, x = np.mgrid[: correlation.shape[0], : correlation.shape[1]] - MARGIN
    penalty = prior + ((x + w / 2) / width - 0.5) ** 2 + 0.6 * ((y + h / 2) / height - 0.47) ** 2
    for inverted, likeness in ((False, correlation), (True, -correlation)):
        place = np.unravel_index((likeness - penalty).argmax(), likeness.shape)
        score = float((likeness - penalty)[place]) - INVERTED * inverted
        yield Match(score, float(likeness[place]), Box(float(x[place]), float(y[place]), w, h), inverted)


def _means(values: Pixels, w: int, h: int) -> NDArray[np.float64]:
    """The mean of every window of h by w, by sums over the corner."""
    sums = np.pad(values.astype(np.float64), ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    means: NDArray[np.float64] = (sums[h:, w:] - sums[:-h, w:] - sums[h:, :-w] + sums[:-h, :-w]) / (w * h)
    return means


def template_of(picture: Pixels, w: int, h: int) -> Pixels:
    """A picture to search for, (h, w), of mean 0 and variance 1."""
    sized = resized(picture, w, h)
    centred = sized - sized.mean()
    scaled: Pixels = centred / centred.std()
    return scaled


def local_contrast(picture: Pixels, sigma: float, floor: float) -> Pixels:
    """Less the local mean, over the local deviation, so that any exposure looks alike.

    ``floor`` is added to the deviation, as a share of its mean, so that even parts do not become noise.
    """
    centred = picture - gaussian_filter(picture, sigma)
    deviation = np.sqrt(gaussian_filter(centred**2, sigma))
    scaled: Pixels = centred / (deviation + floor * deviation.mean() + 1e-3)
    return scaled


def resized(picture: Pixels, width: int, height: int) -> Pixels:
    """The picture stretched to a size."""
    image = Image.fromarray(np.ascontiguousarray(picture, dtype=np.float32))
    stretched: Pixels = np.asarray(image.resize((width, height), Resampling.BILINEAR))
    return stretched
