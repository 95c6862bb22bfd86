"""Finds the chest in a radiograph and shows it to the network in one standard way, whatever the framing.

Framing, borders, burnt-in letters, contrast, sharpness and resolution tell hospitals apart, and a classifier
reads them along with the disease (DeGrave et al. 2021). So all that it sees is the chest, at one resolution,
with the contrast evened out, fading to grey at its edge.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Resampling
from scipy.stats import rankdata

from ml.image import Decoded, Pixels
from ml.matching import MARGIN, Box, Match, contrasted, local_contrast, matches, resized, shrunk, template_of

__all__ = ["PREPROCESSING", "SIDE", "TEMPLATE", "Box", "Chest", "crop", "find", "framed", "standardise"]

PREPROCESSING: Final = "chest-160"  # what ``standardise`` does; a model names what it was trained on
SIDE: Final = 160
TEMPLATE: Final = Path(__file__).with_name("chest_template.npy")
"""The mean chest: 240 radiographs of both sites, found by the mean before and averaged, three times over,
beginning with two dark ellipses; its left and right are alike."""
TEMPLATE_SIDE: Final = 32

RESOLUTION: Final = 128  # pixels across every chest, so that sharpness tells nothing of the source
LONGEST: Final = 512  # of the picture that is worked on
WIDTHS: Final = (0.5, 0.58, 0.66, 0.75, 0.84, 0.93)  # of the chest, as shares of the picture's
RATIOS: Final = (0.85, 1.0, 1.15)  # of its height to its width
TRIMMED: Final = 0.25  # of a side at most
MIDDLE: Final = (0.4, 0.6)  # of the picture's width, where spine and heart are


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
    return Chest(_evened(resized(chest, SIDE, SIDE)), match.likeness, box, match.inverted, match.score)


def framed(decoded: Decoded) -> tuple[Pixels, Box]:
    """The picture that is worked on, and its part that is no border."""
    picture = _worked_on(decoded)
    return picture, _frame(picture)


def _worked_on(decoded: Decoded) -> Pixels:
    """The picture in its true proportions, which decoding does not keep, no side over LONGEST."""
    height, width = decoded.height, decoded.width
    scale = min(1.0, LONGEST / max(height, width))
    return resized(decoded.pixels, max(8, round(width * scale)), max(8, round(height * scale)))


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

    Mild priors prefer what is large and central, since most radiographs show a chest and little else. A
    negative's match has to outdo the other by more than the middle of the picture, where spine and heart are,
    is brighter than the rest: in children's films either may fit.
    """
    small = shrunk(picture)
    bright = _brightness_of_middle(small)
    searched = contrasted(small)
    found = (
        match
        for (w, h), prior in sizes(*small.shape)
        for match in matches(searched, _template(w, h), small.shape, prior)
    )
    best = max(found, key=lambda match: match.score - bright * match.inverted)
    scale = max(small.shape) / max(picture.shape)
    return best._replace(box=Box(*(value / scale for value in best.box)))


def _brightness_of_middle(picture: Pixels) -> float:
    """How much brighter the middle columns are than the rest, -0.5..0.5, in shares of the pixels outshone."""
    left, right = (round(share * picture.shape[1]) for share in MIDDLE)
    ranks = rankdata(picture).reshape(picture.shape) / picture.size
    return float(ranks[:, left:right].mean() - ranks.mean())


def sizes(height: int, width: int) -> Iterator[tuple[tuple[int, int], float]]:
    """Widths and heights that a chest may have in a picture, with how unlikely they are, in score."""
    for share in WIDTHS:
        for ratio in RATIOS:
            w = round(share * width)
            h = min(round(w * ratio), height + 2 * MARGIN)
            yield (w, h), 0.25 * (share - 0.75) ** 2 + 0.3 * (ratio - 1) ** 2


@lru_cache(maxsize=256)
def _template(w: int, h: int) -> Pixels:
    """The mean chest at a size."""
    return template_of(np.load(TEMPLATE, allow_pickle=False), w, h)


def _evened(chest: Pixels) -> Pixels:
    """Equalised, its local contrast evened out, fading to grey where the lungs end."""
    counts, edges = np.histogram(chest, 512, (0, 1))
    ranks = np.interp(chest, (edges[:-1] + edges[1:]) / 2, np.cumsum(counts) / chest.size)
    contrast = np.clip(0.2 * local_contrast(ranks.astype(np.float32), 24, 0.1), -0.5, 0.5)
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
