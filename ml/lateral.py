"""How much a film looks like a lateral view of a chest, by a drawing of one.

No lateral film was at hand to average, so what is searched for is drawn: both lungs as one dark shape, the
spine and the breastbone bright beside it, the heart in it, the diaphragm below. It has been tried on
projections of one person's CT alone (`benchmarks.views`), and how it does on lateral films is not known.
"""

from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Final

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

from ml.image import Pixels
from ml.matching import MARGIN, Searched, Template, shrunk

WIDTHS: Final = (0.4, 0.5, 0.6, 0.7, 0.8, 0.93)  # of the chest, as shares of the picture's
RATIOS: Final = (1.0, 1.25, 1.5)  # of its height to its width
SIDE: Final = 320  # of the drawing
BLUR: Final = 14
LUNGS: Final = (  # from the apex by the spine to the diaphragm and up the breastbone; -1..1 across and down
    (0.0, -0.93),
    (-0.6, -0.75),
    (-0.8, -0.3),
    (-0.8, 0.2),
    (-0.6, 0.93),
    (-0.3, 0.6),
    (0.33, 0.2),
    (0.87, 0.15),
    (0.85, -0.5),
    (0.42, -0.86),
)
HEART: Final = ((-0.2, -0.23), (0.5, 0.33))


def score(picture: Pixels) -> float:
    """How well the drawing fits at its best place, facing either way; see `ml.chest.Chest.score`."""
    small = shrunk(picture)
    searched = Searched.of(small)
    shapes, priors = zip(*_sizes(*small.shape), strict=True)
    templates = [_template(w, h, mirrored, searched.padded) for mirrored in (False, True) for w, h in shapes]
    matches = searched.matches(templates, [*priors, *priors])
    return max(match.score for match in matches if not match.inverted)


def _sizes(height: int, width: int) -> Iterator[tuple[tuple[int, int], float]]:
    for share in WIDTHS:
        for ratio in RATIOS:
            w = round(share * width)
            yield (w, min(round(w * ratio), height + 2 * MARGIN)), 0.25 * (share - 0.7) ** 2


@lru_cache(maxsize=256)
def _template(w: int, h: int, mirrored: bool, padded: tuple[int, int]) -> Template:
    drawing = _drawing()
    return Template.of(drawing[:, ::-1] if mirrored else drawing, w, h, padded)


@cache
def _drawing() -> Pixels:
    """The chest from its left side, looking to the right."""
    image = Image.new("F", (SIDE, SIDE), 1.0)
    draw = ImageDraw.Draw(image)
    draw.polygon([_pixel(*corner) for corner in LUNGS], fill=-1.0)
    draw.ellipse([_pixel(*corner) for corner in HEART], fill=0.2)
    blurred: Pixels = gaussian_filter(np.asarray(image), BLUR)
    return blurred


def _pixel(across: float, down: float) -> tuple[float, float]:
    return (across + 1) / 2 * SIDE, (down + 1) / 2 * SIDE
