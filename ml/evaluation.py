"""How good a classifier is on labelled images: fractions with 95 % intervals."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

Z = 1.959963984540054  # the normal quantile of a 95 % interval
CALIBRATION_BINS = 10


class EvaluationError(ValueError):
    """There is nothing to evaluate: no positives, no negatives, or no probabilities."""


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval; fractions, not per cent."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Counts:
    """The confusion matrix at the threshold."""

    true_positives: int
    false_negatives: int
    true_negatives: int
    false_positives: int


@dataclass(frozen=True)
class CalibrationBin:
    """Images that are given much the same probability: its mean, the share of them with COVID, how many."""

    probability: float
    frequency: Estimate
    images: int


@dataclass(frozen=True)
class Evaluation:
    """What one classifier does on one set of images, at one threshold.

    The intervals of sensitivity and specificity are Wilson's, that of the area under the ROC curve DeLong's.
    They take images for independent; several images of one patient make them too narrow.
    """

    sensitivity: Estimate
    specificity: Estimate
    auc: Estimate
    calibration_error: float
    positives: int
    negatives: int
    threshold: float
    counts: Counts

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> "Evaluation":
        """What as_dict made plain."""
        estimates = {name: Estimate(**plain[name]) for name in ("sensitivity", "specificity", "auc")}
        return cls(**plain | estimates | {"counts": Counts(**plain["counts"])})


def evaluate(
    labels: np.ndarray, probabilities: np.ndarray, threshold: float | np.ndarray = 0.5
) -> Evaluation:
    """Evaluate probabilities of COVID (N,), positive from the threshold on, against labels (N,), 0 or 1.

    In cross-validation each image has the threshold of the model that judged it, (N,); their mean is kept.
    Raises EvaluationError unless both classes are there and every probability is one.
    """
    positive, probabilities = checked(labels, probabilities)
    called = probabilities >= threshold
    counts = Counts(
        true_positives=int((positive & called).sum()),
        false_negatives=int((positive & ~called).sum()),
        true_negatives=int((~positive & ~called).sum()),
        false_positives=int((~positive & called).sum()),
    )
    return Evaluation(
        sensitivity=wilson(counts.true_positives, int(positive.sum())),
        specificity=wilson(counts.true_negatives, int((~positive).sum())),
        auc=delong(probabilities[positive], probabilities[~positive]),
        calibration_error=calibration_error(positive, probabilities),
        positives=int(positive.sum()),
        negatives=int((~positive).sum()),
        threshold=float(np.mean(threshold)),
        counts=counts,
    )


def checked(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels as bool and probabilities as float64. Raises EvaluationError, as evaluate says."""
    positive, probabilities = np.asarray(labels).astype(bool), np.asarray(probabilities, np.float64)
    if positive.shape != probabilities.shape:
        raise EvaluationError(f"{len(positive)} labels for {len(probabilities)} probabilities")
    if not positive.any() or positive.all():
        raise EvaluationError("there must be positive and negative images, and one kind is missing")
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise EvaluationError("there are probabilities that are not between 0 and 1")
    return positive, probabilities


def wilson(successes: float, trials: int, z: float = Z) -> Estimate:
    """A proportion with Wilson's score interval (Wilson 1927); ``z`` is the normal quantile of its level."""
    share = successes / trials
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    return Estimate(share, max(0.0, float(centre - half)), min(1.0, float(centre + half)))


def delong(positives: np.ndarray, negatives: np.ndarray) -> Estimate:
    """The area under the ROC curve with the interval of DeLong, DeLong and Clarke-Pearson (1988).

    A perfect order, or its perfect opposite, has no variance to estimate from: there the interval is Wilson's
    for as many trials as the rarer class has images. So it is where a class has a single image.
    """
    of_positives = _share_below(negatives, positives)
    of_negatives = 1 - _share_below(positives, negatives)
    area = float(of_positives.mean())
    rarer = min(len(positives), len(negatives))
    if area in (0.0, 1.0) or rarer < 2:
        return wilson(area * rarer, rarer)
    variance = of_positives.var(ddof=1) / len(positives) + of_negatives.var(ddof=1) / len(negatives)
    half = Z * float(np.sqrt(variance))
    return Estimate(area, max(0.0, area - half), min(1.0, area + half))


def roc_curve(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The corners of the ROC curve, (0, 0) and (1, 1) included: false and true positive rates (K,)."""
    order = np.argsort(-probabilities, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(probabilities[order]) != 0, True))  # equals are called together
    found = np.append(0, np.cumsum(labels[order].astype(bool))[ends])
    false = np.append(0, ends + 1) - found
    across, up = np.diff(false), np.diff(found)
    turns = np.concatenate([[True], across[:-1] * up[1:] != across[1:] * up[:-1], [True]])
    return (false / false[-1])[turns], (found / found[-1])[turns]


def sensitivity_at(specificity: float, labels: np.ndarray, probabilities: np.ndarray) -> Estimate:
    """The sensitivity at the lowest threshold whose specificity is as much as this, above 0.

    The threshold is looked for in these very images: a point of their ROC curve, which flatters a little.
    """
    positive = labels.astype(bool)
    false = int((1 - specificity) * int((~positive).sum()) + 1e-9)
    highest_left = np.sort(probabilities[~positive])[::-1][false]
    return wilson(int((probabilities[positive] > highest_left).sum()), int(positive.sum()))


def precision_recall(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Precision and recall (K,) at each probability as threshold, highest first; labels (N,) of 0 and 1."""
    order = np.argsort(-probabilities, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(probabilities[order]) != 0, True))  # equals are called together
    found = np.cumsum(labels[order])[ends]
    return found / (ends + 1), found / found[-1]


def average_precision(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """The area under the steps of precision over recall."""
    precision, recall = precision_recall(labels, probabilities)
    return float(precision @ np.diff(recall, prepend=0))


def calibration_bins(labels: np.ndarray, probabilities: np.ndarray) -> list[CalibrationBin]:
    """The bins of `calibration_error` that hold images, with Wilson's intervals of their frequencies."""
    bin_of = _bins(probabilities, CALIBRATION_BINS)
    return [
        CalibrationBin(
            float(probabilities[inside].mean()),
            wilson(float(labels[inside].sum()), int(inside.sum())),
            int(inside.sum()),
        )
        for inside in (bin_of == number for number in np.unique(bin_of))
    ]


def calibration_error(labels: np.ndarray, probabilities: np.ndarray, bins: int = CALIBRATION_BINS) -> float:
    """The expected calibration error: over bins of equal width, the mean gap of probability and frequency."""
    bin_of = _bins(probabilities, bins)
    gaps = np.bincount(bin_of, weights=probabilities - labels, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels))


def _bins(probabilities: np.ndarray, bins: int) -> np.ndarray:
    """Which of so many bins of equal width each probability (N,) lies in."""
    lies_in: np.ndarray = np.minimum((probabilities * bins).astype(int), bins - 1)
    return lies_in


def _share_below(others: np.ndarray, values: np.ndarray) -> np.ndarray:
    """For each value, the share of the others that are smaller; an equal one counts half."""
    ordered = np.sort(others)
    below, not_above = np.searchsorted(ordered, values, "left"), np.searchsorted(ordered, values, "right")
    return (below + not_above) / (2 * len(others))
