"""From scores of images not trained on: probabilities, a threshold, and where a finding is left open."""

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

ERROR = 0.1
"""The share of the images of each class that may be called wrongly outside the band."""


class Platt(NamedTuple):
    """log-odds = slope · score + intercept."""

    slope: float
    intercept: float

    def probability(self, scores: np.ndarray) -> np.ndarray:
        """Probabilities (N,) of scores (N,)."""
        probabilities: np.ndarray = 1 / (1 + np.exp(-(self.slope * scores + self.intercept)))
        return probabilities


def platt(scores: np.ndarray, positive: np.ndarray) -> Platt:
    """Platt's scaling (Platt 1999, with his smoothed targets) of scores (N,) with truth (N,) bool."""
    with_covid, without = int(positive.sum()), int((~positive).sum())
    targets = np.where(positive, (with_covid + 1) / (with_covid + 2), 1 / (without + 2))

    def loss(line: np.ndarray) -> tuple[float, np.ndarray]:
        odds = line[0] * scores + line[1]
        gap = 1 / (1 + np.exp(-odds)) - targets
        return float((np.logaddexp(0, odds) - targets * odds).sum()), np.array([gap @ scores, gap.sum()])

    found = minimize(loss, np.array([1.0, 0.0]), jac=True, method="BFGS").x
    return Platt(float(found[0]), float(found[1]))


def best_threshold(probabilities: np.ndarray, positive: np.ndarray) -> float:
    """Where sensitivity + specificity is largest (Youden 1950), midway between two probabilities."""
    order = np.argsort(-probabilities, kind="stable")
    ranked, truth = probabilities[order], positive[order]
    gain = np.cumsum(truth) / truth.sum() - np.cumsum(~truth) / (~truth).sum()
    ends = np.append(ranked[:-1] > ranked[1:], False)  # between equals nothing can be cut
    best = int(np.where(ends, gain, -np.inf).argmax())
    return float((ranked[best] + ranked[best + 1]) / 2)


def open_band(probabilities: np.ndarray, positive: np.ndarray, error: float = ERROR) -> tuple[float, float]:
    """Between which probabilities (low, high) a finding is left open: class-conditional conformal prediction.

    An image with COVID falls below ``low``, and one without above ``high``, with a chance of ``error`` at
    most, as far as new images are exchangeable with these (Vovk, Gammerman and Shafer 2005, section 4.5).
    From ``low`` on COVID is possible, and up to ``high`` its absence is; in between both are, or neither
    where the two have crossed.
    """
    low = -_upper(-probabilities[positive], error, most=0.0)
    high = _upper(probabilities[~positive], error, most=1.0)
    return min(low, high), max(low, high)


def _upper(values: np.ndarray, error: float, most: float) -> float:
    """What a new value exceeds with a chance of ``error`` at most; ``most`` where there are too few."""
    rank = int(np.ceil((1 - error) * (len(values) + 1)))
    return float(np.sort(values)[rank - 1]) if rank <= len(values) else most
