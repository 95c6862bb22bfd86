"""Finds the chest in a radiograph and shows it to the network in one standard way, whatever the framing.

Framing, borders, burnt-in letters, contrast, sharpness and resolution tell hospitals apart, and a classifier
reads them along with the disease (DeGrave et al. 2021). So all that it sees is the chest, at one resolution,
with the contrast evened out, fading to grey at its edge.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Resampling
from scipy.ndimage import gaussian_filter
from scipy.signal import fftconvolve

from ml.image import Decoded, Pixels

PREPROCESSING: Final = "chest-160"  # what ``standardise`` does; a model names what it was trained on
SIDE: Final = 160
TEMPLATE: Final = Path(__file__).with_name("chest_template.npy")
"""The mean chest: 240 radiographs of both sites, found by the mean before and averaged, three times over,
beginning with two dark ellipses; its left and right are alike."""
TEMPLATE_SIDE: Final = 32

RESOLUTION: Final = 128  # pixels across every chest, so that sharpness tells nothing of the source
LONGEST: Final = 512  # of the picture that is worked on
SEARCHED: Final = 96  # pixels on the long side where the chest is looked for
MARGIN: Final = 8  # of them around the picture, since a chest may reach over its edge
WIDTHS: Final = (0.5, 0.58, 0.66, 0.75, 0.84, 0.93)  # of the chest, as shares of the picture's
RATIOS: Final = (0.85, 1.0, 1.15)  # of its height to its width
TRIMMED: Final = 0.25  # of a side at most
INVERTED: Final = 0.07  # a negative must match by so much better; of 1,307 radiographs none did


class Box(NamedTuple):
    """A rectangle, in pixels of a picture; it may reach over the edge."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, eq=False)
class Chest:
    """The chest as the network sees it.

    ``pixels`` is (160, 160) float32 in 0..1. ``likeness`` is the normalised cross-correlation, -1..1, of what
    was found with the mean chest, and ``score`` that less what is unusual of its size and place. ``box`` is
    where, as shares of the whole picture's width and height. ``inverted``: the picture had white lungs, and
    has been righted.
    """

    pixels: Pixels
    likeness: float
    box: Box
    inverted: bool
    score: float


class Match(NamedTuple):
    """Where the mean chest fits best, in pixels of what was searched, and how well."""

    score: float
    likeness: float
    box: Box
    inverted: bool


def standardise(decoded: Decoded) -> Chest:
    """The chest in a picture. Something is always found: ``likeness`` tells how much of a chest it is."""
    picture, frame = framed(decoded)
    inside = crop(picture, frame)
    match = find(inside)
    chest = crop(1 - inside if match.inverted else inside, match.box, RESOLUTION)
    height, width = picture.shape
    box = Box(
        (frame.x + match.box.x) / width,
        (frame.y + match.box.y) / height,
        match.box.width / width,
        match.box.height / height,
    )
    return Chest(_evened(_resized(chest, SIDE, SIDE)), match.likeness, box, match.inverted, match.score)


def framed(decoded: Decoded) -> tuple[Pixels, Box]:
    """The picture that is worked on, and its part that is no border."""
    picture = _worked_on(decoded)
    return picture, _frame(picture)


def _worked_on(decoded: Decoded) -> Pixels:
    """The picture in its true proportions, which decoding does not keep, no side over LONGEST."""
    height, width = decoded.height, decoded.width
    scale = min(1.0, LONGEST / max(height, width))
    return _resized(decoded.pixels, max(8, round(width * scale)), max(8, round(height * scale)))


def _frame(picture: Pixels) -> Box:
    """The picture without the black or white or even rows and columns at its edge."""
    left, right = _inner(picture)
    top, bottom = _inner(picture.T)
    return Box(left, top, right - left, bottom - top)


def _inner(picture: Pixels) -> tuple[int, int]:
    """The first column of some content, and the one after the last."""
    low, high = np.quantile(picture, (0.1, 0.9), axis=0)
    bare = (picture.std(axis=0) < 0.02) | (high < 0.06) | (low > 0.97)
    count = len(bare)
    most = int(TRIMMED * count)
    first = _run(bare[:most])
    return first, count - _run(bare[::-1][:most])


def _run(bare: NDArray[np.bool_]) -> int:
    """How many are bare before the first that is not."""
    return len(bare) if bare.all() else int(bare.argmin())


def find(picture: Pixels) -> Match:
    """The best match of the mean chest or of its negative, over sizes, proportions and places.

    Mild priors prefer what is large and central, since most radiographs show a chest and little else.
    """
    scale = min(1.0, SEARCHED / max(picture.shape))
    height, width = (max(8, round(side * scale)) for side in picture.shape)
    searched = np.pad(_resized(picture, width, height), MARGIN, mode="edge")
    searched = _local_contrast(searched, 12, 0.3)
    matches = [
        match
        for (w, h), prior in _sizes(width, height)
        for match in _matches(searched, w, h, width, height, prior)
    ]
    best = max(matches, key=lambda match: match.score)
    return best._replace(box=Box(*(value / scale for value in best.box)))


def _sizes(width: int, height: int) -> Iterator[tuple[tuple[int, int], float]]:
    for share in WIDTHS:
        for ratio in RATIOS:
            w = round(share * width)
            h = min(round(w * ratio), height + 2 * MARGIN)
            yield (w, h), 0.25 * (share - 0.75) ** 2 + 0.3 * (ratio - 1) ** 2


def _matches(searched: Pixels, w: int, h: int, width: int, height: int, prior: float) -> Iterator[Match]:
    """The best place for a chest of w by h, as it is and in negative."""
    template = _template(w, h)
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


@lru_cache(maxsize=256)
def _template(w: int, h: int) -> Pixels:
    """The mean chest at a size, of mean 0 and variance 1."""
    mean_chest = _resized(np.load(TEMPLATE, allow_pickle=False), w, h)
    centred = mean_chest - mean_chest.mean()
    scaled: Pixels = centred / centred.std()
    return scaled


def _local_contrast(picture: Pixels, sigma: float, floor: float) -> Pixels:
    """Less the local mean, over the local deviation, so that any exposure looks alike.

    ``floor`` is added to the deviation, as a share of its mean, so that even parts do not become noise.
    """
    centred = picture - gaussian_filter(picture, sigma)
    deviation = np.sqrt(gaussian_filter(centred**2, sigma))
    scaled: Pixels = centred / (deviation + floor * deviation.mean() + 1e-3)
    return scaled


def _evened(chest: Pixels) -> Pixels:
    """Equalised, its local contrast evened out, fading to grey where the lungs end."""
    counts, edges = np.histogram(chest, 512, (0, 1))
    ranks = np.interp(chest, (edges[:-1] + edges[1:]) / 2, np.cumsum(counts) / chest.size)
    contrast = np.clip(0.2 * _local_contrast(ranks.astype(np.float32), 24, 0.1), -0.5, 0.5)
    evened: Pixels = np.float32(0.5) + contrast * _fading()
    return evened


@cache
def _fading() -> Pixels:
    """1 within a rounded square, 0 outside, (160, 160)."""
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    fading: Pixels = (1 / (1 + np.exp(12 * (x**4 + y**4 - 0.85)))).astype(np.float32)
    return fading


def crop(picture: Pixels, box: Box, size: int | None = None) -> Pixels:
    """A part of a picture, where it reaches over the edge repeating what is there; stretched to a square."""
    width, height = (size, size) if size else (round(box.width), round(box.height))
    reach = max(
        0.0, -box.x, -box.y, box.x + box.width - picture.shape[1], box.y + box.height - picture.shape[0]
    )
    pad = int(np.ceil(reach))
    image = Image.fromarray(np.pad(picture, pad, mode="edge"))
    corners = (box.x + pad, box.y + pad, box.x + box.width + pad, box.y + box.height + pad)
    cropped: Pixels = np.asarray(image.resize((width, height), Resampling.BILINEAR, corners))
    return cropped


def _resized(picture: Pixels, width: int, height: int) -> Pixels:
    image = Image.fromarray(np.ascontiguousarray(picture, dtype=np.float32))
    resized: Pixels = np.asarray(image.resize((width, height), Resampling.BILINEAR))
    return resized
