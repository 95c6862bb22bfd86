"""Which unlabelled images to label first: those of which the model is unsure, and which are like no other."""

from typing import Final, NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

DIVERSITY: Final = 0.1
"""What it counts to be like nothing labelled or chosen, where being quite undecided counts 1.

Chosen in the simulation of `benchmarks/label_queue.py`: of 0 to 0.5 the one that needs fewest labels.
"""
SAMPLE: Final = 200  # images from whose distances it is told which distance is a usual one


class Queue(NamedTuple):
    """Row numbers (N,) in order, and how far (N,) each lies, in that order, from all before it.

    A distance is 1 where it is the usual one between two of the images, or larger, and 0 between equals.
    """

    rows: np.ndarray
    distances: np.ndarray


def order(
    margins: np.ndarray, places: np.ndarray, labelled: np.ndarray, diversity: float = DIVERSITY
) -> Queue:
    """What to label first of N images, by the model's margins (N,) and by where the images lie (N, K).

    Greedy, as the k-centre of Sener and Savarese (2018): the next is the one whose uncertainty and distance
    from what is ``labelled`` (M, K) or chosen already sum to the most. A margin is the distance of a
    probability from the threshold. An image whose place is unknown, nan, counts as like no other.
    """
    uncertainty = np.maximum(0, 1 - 2 * margins)
    usual = _usual_distance(places)
    distances = _nearer(np.ones(len(places)), places, labelled, usual)
    rows, found = np.empty(len(places), int), np.empty(len(places))
    left = np.ones(len(places), bool)
    for turn in range(len(places)):
        best = int(np.where(left, uncertainty + diversity * distances, -np.inf).argmax())
        rows[turn], found[turn], left[best] = best, distances[best], False
        distances = _nearer(distances, places, places[best : best + 1], usual)
    return Queue(rows, found)


def _nearer(distances: np.ndarray, places: np.ndarray, others: np.ndarray, usual: float) -> np.ndarray:
    """The distances (N,), or those from other places (M, K) where one of these is smaller."""
    known = others[~np.isnan(others).any(axis=1)]
    if not len(known):
        return distances
    smaller: np.ndarray = np.fmin(distances, cdist(places, known).min(axis=1) / usual)
    return smaller


def _usual_distance(places: np.ndarray) -> float:
    """The median distance of images from some of them; 1 where there is none."""
    known = places[~np.isnan(places).any(axis=1)]
    apart = float(np.median(cdist(known, known[:SAMPLE]))) if len(known) else 0.0
    return apart or 1.0
