"""Tells whether a film lies on its side, stands on its head, is askew or lateral, by what fits it best."""

from typing import Final, Literal

import numpy as np
from PIL import Image
from PIL.Image import Resampling

from ml import lateral
from ml.chest import Chest, find
from ml.image import Pixels

View = Literal["FRONTAL", "TURNED_90", "TURNED_180", "TURNED_270", "TILTED", "LATERAL"]

TURNED: Final[tuple[View, ...]] = ("TURNED_90", "TURNED_180", "TURNED_270")
ODD: Final[tuple[View, ...]] = (*TURNED, "TILTED", "LATERAL")
"""Views that no model knows."""
SURELY_UPRIGHT: Final = 0.8  # a likeness that none of 1,306 turned chests reached; 64 in 100 upright ones do
LEAD: Final = 0.05  # in score; 2 of 1,306 upright chests fit by so much better turned, 1 in 75 turned do not
TILT: Final = 30  # degrees; of 1,306 upright chests one fits better tilted by LEAD, and it leans
POSSIBLY_LATERAL: Final = 0.65  # no lateral view is as much like a frontal chest
LATERAL_LEAD: Final = 0.15  # in score
LEAST: Final = 0.45  # in score less its lead; most pictures that are no films reach it in no view


def view(upright: Chest) -> View | None:
    """How a film was taken, or by how many degrees, clockwise, it has been turned; None of what is no film.

    It is the film that this chest was found in as it is. Upside down in a mirror counts as turned by 180.
    Now and then what is no film gets a view too.
    """
    if upright.likeness >= SURELY_UPRIGHT:
        return "FRONTAL"
    scores = _scores(upright)
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] >= LEAST else None


def _scores(upright: Chest) -> dict[View, float]:
    """How well each view fits, less the lead that it has to have."""
    scores: dict[View, float] = {"FRONTAL": upright.score}
    for quarter, name in enumerate(TURNED, 1):
        scores[name] = find(np.ascontiguousarray(np.rot90(upright.film, quarter))).score - LEAD
    scores["TILTED"] = max(find(_tilted(upright.film, degrees)).score for degrees in (TILT, -TILT)) - LEAD
    if upright.likeness < POSSIBLY_LATERAL:
        scores["LATERAL"] = lateral.score(upright.film) - LATERAL_LEAD
    return scores


def _tilted(picture: Pixels, degrees: int) -> Pixels:
    """The picture turned on black, of the same size: a chest in it stays as large as it was."""
    tilted: Pixels = np.asarray(Image.fromarray(picture).rotate(degrees, Resampling.BILINEAR))
    return tilted
