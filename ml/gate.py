"""The gate: may a candidate replace the model in service? A bootstrap over patients answers, in words."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ml.evaluation import Estimate, checked
from ml.verdict import Comparison, Discordance, Size, Verdict

RESAMPLES = 2000
AT_ONCE = 2**18
"""Weights that are computed with at a time, 2 MB: they stay in a cache."""
LEVEL = 0.025
"""How often a candidate that is worse by a margin may pass: the lower tail of a 95 % interval."""
FEWEST_PATIENTS = 30
"""Of each class, whatever the margins: of fewer the bootstrap promises too much."""


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
class Judged:
    """One model on the holdout: its probabilities of COVID (N,), and the threshold that it is served with."""

    probabilities: np.ndarray
    threshold: float = 0.5


def judge(
    labels: np.ndarray,
    incumbent: Judged,
    candidate: Judged,
    groups: Sequence[str],
    margins: Margins = Margins(),
    seed: int = 0,
    home: np.ndarray | None = None,
) -> Verdict:
    """Compare two models on the same images, (N,) labels of 0 and 1 and (N,) patients.

    Non-inferiority: the candidate passes if even the lower end of the 95 % interval of its difference from
    the incumbent lies no further down than the margin, in sensitivity, in specificity and in the area under
    the ROC curve. Patients, and not images, are drawn again, since images of one patient are alike; COVID
    patients and the others are drawn apart, so that every resample has both.

    Of the images that are at ``home`` (N,) bool, both classes among them, the area is compared again: their
    truth is the base set's, which nobody labels, so that those who label the others cannot answer for all.
    If it has fallen by more than the margin the candidate is refused, and if its interval does not exclude
    that, it has to be confirmed.

    A holdout is too small where models that agree on every patient of a class could still differ by more
    than the margin; see `patients_needed`. There who passes has to be confirmed. Raises EvaluationError as
    evaluate does.
    """
    positive, _ = checked(labels, incumbent.probabilities)
    weights, sizes = resamples(positive, groups, seed), sizes_of(positive, groups, margins)
    return judge_resampled(positive, incumbent, candidate, weights, sizes, margins, home)


def judge_resampled(
    positive: np.ndarray,
    incumbent: Judged,
    candidate: Judged,
    weights: np.ndarray,
    sizes: tuple[Size, Size],
    margins: Margins = Margins(),
    home: np.ndarray | None = None,
) -> Verdict:
    """As `judge`, on labels (N,) bool, for whoever judges many models by the same resamples."""
    _, old = checked(positive, incumbent.probabilities)
    _, new = checked(positive, candidate.probabilities)
    calls = old >= incumbent.threshold, new >= candidate.threshold
    comparisons = (
        _rates("sensitivity", calls[0], calls[1], positive, weights, margins.sensitivity),
        _rates("specificity", ~calls[0], ~calls[1], ~positive, weights, margins.specificity),
        _areas("AUC", old, new, positive, weights, margins.auc),
    )
    if home is None or home.all():
        return Verdict(comparisons, sizes)
    parts = old[home], new[home], positive[home], weights[:, home]
    return Verdict(comparisons, sizes, _areas("AUC at home", *parts, margins.auc))


def patients_needed(margin: float) -> int:
    """Patients of a class below which a loss of the margin, a fraction between 0 and 1, cannot be excluded.

    Of n patients none is called otherwise with a chance of (1 - m)^n where a share m would be; that has to
    be at most 2.5 %, the level of the gate (the exact form of the "rule of three", Hanley and Lippman-Hand
    1983). The bootstrap cannot see this: where no call differs, its interval has no width.
    """
    return max(FEWEST_PATIENTS, math.ceil(math.log(LEVEL) / math.log1p(-margin)))


def sizes_of(positive: np.ndarray, groups: Sequence[str], margins: Margins) -> tuple[Size, Size]:
    """How many patients of each class there are, and are needed; labels (N,) bool, (N,) patients."""
    names = np.asarray(groups)
    with_covid = set(names[positive])
    return (
        Size("patients with COVID", len(with_covid), patients_needed(margins.sensitivity)),
        Size("without", len(set(names) - with_covid), patients_needed(margins.specificity)),
    )


def resamples(positive: np.ndarray, groups: Sequence[str], seed: int) -> np.ndarray:
    """How often each image is drawn: (RESAMPLES + 1, N) uint16. Row 0 is the sample as it is."""
    names, membership = np.unique(np.asarray(groups), return_inverse=True)
    with_covid = np.bincount(membership, weights=positive, minlength=len(names)) > 0
    generator = np.random.default_rng(seed)
    drawn = np.ones((RESAMPLES + 1, len(names)), np.uint16)
    for stratum in (with_covid, ~with_covid):
        if count := int(stratum.sum()):
            drawn[1:, stratum] = generator.multinomial(count, np.full(count, 1 / count), RESAMPLES)
    return drawn[:, membership]


def _rates(
    name: str, old: np.ndarray, new: np.ndarray, chosen: np.ndarray, weights: np.ndarray, margin: float
) -> Comparison:
    """A share of right calls (N,), of the chosen images (N,), by the weights (RESAMPLES + 1, N)."""
    counted = np.stack([old & chosen, new & chosen, chosen]).astype(float)
    sums = np.concatenate([part @ counted.T for part in _widened(weights)]).T
    rates = sums[:2] / np.where(sums[2] > 0, sums[2], np.nan)
    discordance = Discordance.of(old[chosen], new[chosen])
    difference = _difference(rates[1] - rates[0])
    return Comparison(name, float(rates[0, 0]), float(rates[1, 0]), difference, margin, discordance)


def _areas(
    name: str, old: np.ndarray, new: np.ndarray, positive: np.ndarray, weights: np.ndarray, margin: float
) -> Comparison:
    """The area under the ROC curve: the weighted share of pairs, one of each class, in the right order."""
    before, after = (_pairs_in_order(said, positive, weights) for said in (old, new))
    drawn = np.concatenate([part @ np.stack([positive, ~positive], axis=1) for part in _widened(weights)])
    totals = np.where(drawn.all(axis=1), drawn.prod(axis=1), np.nan)
    gains = (after - before) / totals
    areas = float(before[0] / totals[0]), float(after[0] / totals[0])
    return Comparison(name, *areas, _difference(gains), margin)


def _pairs_in_order(probabilities: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """By resample the weight of the pairs of a positive and a less probable negative; equals count half.

    Negatives are summed up in order of probability, and each positive reads two of the sums, so that no pair
    is looked at. All are sums of whole numbers and halves, which float64 holds exactly.
    """
    order = np.flatnonzero(~positive)[np.argsort(probabilities[~positive])]
    below, up_to = (
        np.searchsorted(probabilities[order], probabilities[positive], side) for side in ("left", "right")
    )
    found = []
    for part in _widened(weights):
        counted = np.pad(np.cumsum(part[:, order], axis=1), ((0, 0), (1, 0)))
        halves = part[:, positive] * (counted[:, below] + counted[:, up_to])
        found.append(halves.sum(axis=1) / 2)
    return np.concatenate(found)


def _widened(weights: np.ndarray) -> Iterator[np.ndarray]:
    """The weights as float64, so many resamples at a time as take few megabytes."""
    size = max(1, AT_ONCE // max(1, weights.shape[1]))
    for start in range(0, len(weights), size):
        yield weights[start : start + size].astype(np.float64)


def _difference(resampled: np.ndarray) -> Estimate:
    """The sample's own difference, which comes first, and the middle 95 % of the others."""
    low, high = np.nanquantile(resampled[1:], [0.025, 0.975])
    return Estimate(float(resampled[0]), float(low), float(high))
