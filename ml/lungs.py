"""Where the lungs lie in a picture: those of the mean chest, laid over the chest that was found.

Nothing here outlines this patient's lungs: a large heart or a white lung changes nothing.
"""

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.Image import Resampling
from scipy.ndimage import label

from ml.chest import TEMPLATE, Box
from ml.image import Pixels

FINE: Final = 128  # cells across the lung fields
PARTS: Final = 8  # of a cell of heat, each way, that lie in the lung fields or not


@cache
def lung_fields() -> NDArray[np.bool_]:
    """The lungs of the mean chest, (128, 128): its two large parts darker than their surroundings."""
    template = Image.fromarray(np.load(TEMPLATE, allow_pickle=False))
    dark = np.asarray(template.resize((FINE, FINE), Resampling.BILINEAR)) < 0
    parts, _ = label(dark)
    largest = np.argsort(np.bincount(parts[dark]))[-2:]
    fields: NDArray[np.bool_] = np.isin(parts, largest)
    return fields


def inside(shape: tuple[int, int], chest: Box) -> NDArray[np.bool_]:
    """Which pixels (H, W) of a picture lie in the lung fields; ``chest`` is where its chest was found."""
    return _laid(shape, Box(0, 0, 1, 1), chest)


def share_within(found: Pixels, seen: Box, chest: Box) -> float:
    """The share, 0..1, of heat (H, W) that lies in the lung fields; nan where there is no heat.

    ``seen`` is the part of the picture that the heat covers, ``chest`` where `ml.chest` found the chest.
    Compare with the share of even heat: the lung fields' share of the area.
    """
    height, width = found.shape
    fields = _laid((height * PARTS, width * PARTS), seen, chest)
    cells = fields.reshape(height, PARTS, width, PARTS).mean(axis=(1, 3))
    total = float(found.sum())
    return float((found * cells).sum()) / total if total else float("nan")


def _laid(shape: tuple[int, int], seen: Box, chest: Box) -> NDArray[np.bool_]:
    """Which of the places (H, W), spread evenly over ``seen``, lie in the lung fields."""
    rows = _places(shape[0], seen.y, seen.height, chest.y, chest.height)
    columns = _places(shape[1], seen.x, seen.width, chest.x, chest.width)
    return np.pad(lung_fields(), 1)[np.ix_(rows, columns)]


def _places(count: int, start: float, length: float, chest: float, chest_length: float) -> NDArray[np.intp]:
    """Where the places lie in the padded lung fields, one way."""
    middles = start + (np.arange(count) + 0.5) / count * length
    found = np.floor((middles - chest) / chest_length * FINE) + 1
    places: NDArray[np.intp] = np.clip(found, 0, FINE + 1).astype(np.intp)
    return places
