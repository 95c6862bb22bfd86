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

from ml.image import Decoded, Pixels
from ml.matching import MARGIN, Box, Match, Searched, Template, local_contrast, resized, shrunk

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
COLUMNS: Final = 8  # looked at together, since most pictures have no border
MIDDLE: Final = (0.4, 0.6)  # of the picture's width, where spine and heart are


@dataclass(frozen=True, eq=False)
class Chest:
    """The chest as the network sees it.

    ``pixels`` is (160, 160) float32 in 0..1. ``likeness`` is the normalised cross-correlation, -1..1, of what
    was found with the mean chest, and ``score`` that less what is unusual of its size and place. ``box`` is
    where, as shares of the whole picture's width and height. ``inverted``: the picture had white lungs, and
    has been righted. ``film`` is what it was looked for in: the picture without its border.
    """

    pixels: Pixels
    likeness: float
    box: Box
    inverted: bool
    score: float
    film: Pixels


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
    pixels = _evened(resized(chest, SIDE, SIDE))
    return Chest(pixels, match.likeness, box, match.inverted, match.score, inside)


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
    count = picture.shape[1]
    most = int(TRIMMED * count)
    return _bare(picture[:, :most]), count - _bare(picture[:, ::-1][:, :most])


def _bare(columns: Pixels) -> int:
    """How many are bare before the first that is not."""
    for start in range(0, columns.shape[1], COLUMNS):
        some = columns[:, start : start + COLUMNS]
        low, high = np.quantile(some, (0.1, 0.9), axis=0)
        bare: NDArray[np.bool_] = (some.std(axis=0) < 0.02) | (high < 0.06) | (low > 0.97)
        if not bare.all():
            return start + int(bare.argmin())
    return int(columns.shape[1])


def find(picture: Pixels) -> Match:
    """The best match of the mean chest or of its negative, over sizes, proportions and places.

    Mild priors prefer what is large and central, since most radiographs show a chest and little else. A
    negative's match has to outdo the other by more than the middle of the picture, where spine and heart are,
    is brighter than the rest: in children's films either may fit.
    """
    small = shrunk(picture)
    bright, searched = _brightness_of_middle(small), Searched.of(small)
    shapes, priors = zip(*sizes(*small.shape), strict=True)
    templates = [_template(w, h, searched.padded) for w, h in shapes]
    best = max(searched.matches(templates, priors), key=lambda match: match.score - bright * match.inverted)
    scale = max(small.shape) / max(picture.shape)
    return best._replace(box=Box(*(value / scale for value in best.box)))


def _brightness_of_middle(picture: Pixels) -> float:
    """How much brighter the middle columns are than the rest, -0.5..0.5, in shares of the pixels outshone."""
    left, right = (round(share * picture.shape[1]) for share in MIDDLE)
    middle, ordered = picture[:, left:right], np.sort(picture, axis=None)
    # Equal ones share the mean of their ranks.
    ranks = (np.searchsorted(ordered, middle) + np.searchsorted(ordered, middle, "right") + 1) / 2
    return float((ranks.mean() - (picture.size + 1) / 2) / picture.size)


def sizes(height: int, width: int) -> Iterator[tuple[tuple[int, int], float]]:
    """Widths and heights that a chest may have in a picture, with how unlikely they are, in score."""
    for share in WIDTHS:
        for ratio in RATIOS:
            w = round(share * width)
            h = min(round(w * ratio), height + 2 * MARGIN)
            yield (w, h), 0.25 * (share - 0.75) ** 2 + 0.3 * (ratio - 1) ** 2


@lru_cache(maxsize=256)
def _template(w: int, h: int, padded: tuple[int, int]) -> Template:
    """The mean chest at a size."""
    return Template.of(_mean_chest(), w, h, padded)


@cache
def _mean_chest() -> Pixels:
    mean: Pixels = np.load(TEMPLATE, allow_pickle=False)
    return mean


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
