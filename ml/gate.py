"""The gate: may a candidate replace the model in service? A bootstrap over patients answers, in words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ml.evaluation import Estimate, checked

RESAMPLES = 2000


@dataclass(frozen=True)
class Margins:
    """How far below the incumbent the lower end of a difference's 95 % interval may lie (fractions).

    Chosen on the base set's holdout, 98 images with COVID and 232 without. Of heads D that learned from a
    random nine tenths of the base set all three pass; of those that learned a fiftieth or a twentieth of all
    labels flipped one in three each; of those that learned a tenth or a quarter flipped, or three tenths of
    the COVID images as negatives, none of nine. `python -m benchmarks.gate` does this again.
    """

    sensitivity: float = 0.10
    specificity: float = 0.05
    auc: float = 0.02


@dataclass(frozen=True)
class Verdict:
    """Whether the candidate is promoted, the reason, and candidate less incumbent with 95 % intervals."""

    promote: bool
    sentence: str
    sensitivity_difference: Estimate
    specificity_difference: Estimate
    auc_difference: Estimate


@dataclass(frozen=True)
class Judged:
    """One model on the holdout: its probabilities of COVID (N,), and the threshold that it is served with."""

    probabilities: np.ndarray
    threshold: float = 0.5


@dataclass(frozen=True)
class _Comparison:
    """One figure of both models, and what the bootstrap makes of their difference."""

    name: str
    incumbent: float
    candidate: float
    difference: Estimate
    margin: float

    @property
    def passes(self) -> bool:
        return self.difference.low >= -self.margin

    def __str__(self) -> str:
        relation = "within" if self.passes else "beyond"
        low, high = self.difference.low, self.difference.high
        return (
            f"{self.name} {self.candidate:.3f} against {self.incumbent:.3f} (difference "
            f"{self.difference.value:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}), "
            f"{relation} the margin of {self.margin:.3f}"
        )


def judge(
    labels: np.ndarray,
    incumbent: Judged,
    candidate: Judged,
    groups: Sequence[str],
    margins: Margins = Margins(),
    seed: int = 0,
) -> Verdict:
    """Compare two models on the same images, (N,) labels of 0 and 1 and (N,) patients.

    Non-inferiority: the candidate passes if even the lower end of the 95 % interval of its difference from
    the incumbent lies no further down than the margin, in sensitivity, in specificity and in the area under
    the ROC curve. Patients, and not images, are drawn again, since images of one patient are alike; COVID
    patients and the others are drawn apart, so that every resample has both. Raises EvaluationError as
    evaluate does.
    """
    positive, old = checked(labels, incumbent.probabilities)
    _, new = checked(labels, candidate.probabilities)
    weights = _resamples(positive, groups, seed)
    calls = old >= incumbent.threshold, new >= candidate.threshold
    comparisons = [
        _rates("sensitivity", calls[0], calls[1], weights * positive, margins.sensitivity),
        _rates("specificity", ~calls[0], ~calls[1], weights * ~positive, margins.specificity),
        _areas(old, new, positive, weights, margins.auc),
    ]
    promote = all(comparison.passes for comparison in comparisons)
    sentence = f"{'Promoted' if promote else 'Rejected'}: {'; '.join(map(str, comparisons))}."
    return Verdict(promote, sentence, *(comparison.difference for comparison in comparisons))


def _resamples(positive: np.ndarray, groups: Sequence[str], seed: int) -> np.ndarray:
    """How often each image is drawn: (RESAMPLES, N). Row 0 is the sample as it is."""
    names, membership = np.unique(np.asarray(groups), return_inverse=True)
    with_covid = np.bincount(membership, weights=positive, minlength=len(names)) > 0
    generator = np.random.default_rng(seed)
    drawn = np.ones((RESAMPLES + 1, len(names)))
    for stratum in (with_covid, ~with_covid):
        if count := int(stratum.sum()):
            drawn[1:, stratum] = generator.multinomial(count, np.full(count, 1 / count), RESAMPLES)
    return drawn[:, membership]


def _rates(name: str, old: np.ndarray, new: np.ndarray, weights: np.ndarray, margin: float) -> _Comparison:
    """A share of right calls (N,), over the images that have weight (RESAMPLES + 1, N)."""
    totals = weights.sum(axis=1)
    rates = np.stack([weights @ old, weights @ new]) / np.where(totals > 0, totals, np.nan)
    return _Comparison(name, float(rates[0, 0]), float(rates[1, 0]), _difference(rates[1] - rates[0]), margin)


def _areas(
    old: np.ndarray, new: np.ndarray, positive: np.ndarray, weights: np.ndarray, margin: float
) -> _Comparison:
    """The area under the ROC curve: the weighted share of pairs, one of each class, in the right order."""
    of_positives, of_negatives = weights[:, positive], weights[:, ~positive]
    totals = of_positives.sum(axis=1) * of_negatives.sum(axis=1)
    before, after = _in_order(old, positive), _in_order(new, positive)
    gains = ((of_positives @ (after - before)) * of_negatives).sum(axis=1) / np.where(
        totals > 0, totals, np.nan
    )
    return _Comparison("AUC", float(before.mean()), float(after.mean()), _difference(gains), margin)


def _in_order(probabilities: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """For each positive and each negative: 1 where the positive is the more probable, a half if equal."""
    gap = probabilities[positive, None] - probabilities[None, ~positive]
    ranks: np.ndarray = (np.sign(gap) + 1) / 2
    return ranks


def _difference(resampled: np.ndarray) -> Estimate:
    """The sample's own difference, which comes first, and the middle 95 % of the others."""
    low, high = np.nanquantile(resampled[1:], [0.025, 0.975])
    return Estimate(float(resampled[0]), float(low), float(high))
