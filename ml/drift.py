"""Whether what a model meets differs from what judged it: four signals, each with an interval and a margin.

The figures of the images of some time are held against those of the holdout, which no model has learned from.
A signal differs where the whole interval of the difference lies beyond the margin, so neither chance nor a
small difference is told of.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import hypot, sqrt
from statistics import NormalDist
from typing import Any, Final, Literal, get_args

import numpy as np
from scipy.special import stdtrit

from ml.evaluation import wilson
from ml.making import probabilities
from ml.model_file import Model
from ml.rows import Features

Name = Literal["ABSTENTIONS", "PROBABILITY", "DISTANCE", "AGREEMENT"]
NAMES: Final[tuple[Name, ...]] = get_args(Name)
REASONS: Final = ("NOT_A_CHEST_XRAY", "OUT_OF_DISTRIBUTION", "UNCERTAIN")

LEVEL: Final = 0.99  # of an interval: four signals are looked at again and again
FEWEST: Final = 50  # images; fewer are not compared
MARGINS: Final[Mapping[Name, float]] = {
    "ABSTENTIONS": 0.05,  # of a share
    "PROBABILITY": 0.1,  # of a mean probability, 0 to 1
    "DISTANCE": 0.5,  # deviations of the distances of real chests
    "AGREEMENT": 0.05,  # of a share
}
HIGH: Final = 0.95  # of the distances lie below the high one


@dataclass(frozen=True)
class Share:
    """How many of some images."""

    count: int
    total: int

    @property
    def value(self) -> float | None:
        """0 to 1; None of no images."""
        return self.count / self.total if self.total else None


@dataclass(frozen=True)
class Sample:
    """Numbers summed up: how many, their mean, and the standard deviation about it; 0 of none."""

    count: int = 0
    mean: float = 0.0
    deviation: float = 0.0

    @classmethod
    def of_sums(cls, count: int, total: float, squares: float) -> "Sample":
        """From the sum of the numbers and the sum of their squares."""
        if not count:
            return cls()
        mean = total / count
        variance = (squares - count * mean**2) / (count - 1) if count > 1 else 0.0
        return cls(count, mean, sqrt(max(0.0, variance)))

    @classmethod
    def of(cls, values: np.ndarray) -> "Sample":
        """From the numbers (N,)."""
        exact = values.astype(np.float64)
        return cls.of_sums(len(exact), float(exact.sum()), float((exact**2).sum()))

    @property
    def value(self) -> float | None:
        """The mean; None of no numbers."""
        return self.mean if self.count else None


@dataclass(frozen=True)
class Figures:
    """What a model said of some images that taught it nothing, in figures.

    ``abstained`` counts by reason. Probability and distance are of pictures that are taken for chests;
    ``median`` and ``high``, below which 95 in 100 lie, are of these distances, None where they were not asked
    for. ``labelled`` counts images with a finding whose truth is known, ``agreed`` those where both are the
    same. ``taught`` counts images that were left out.
    """

    images: int
    abstained: Mapping[str, int]
    probability: Sample
    distance: Sample
    labelled: int
    agreed: int
    median: float | None = None
    high: float | None = None
    taught: int = 0

    @property
    def abstentions(self) -> Share:
        """Images without a finding, of all."""
        return Share(sum(self.abstained.values()), self.images)

    @property
    def agreement(self) -> Share:
        """Right findings, of those whose truth is known."""
        return Share(self.agreed, self.labelled)

    @property
    def signals(self) -> tuple[Share | Sample, ...]:
        """What is compared, in the order of NAMES."""
        return self.abstentions, self.probability, self.distance, self.agreement

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Figures":
        """What as_dict made plain."""
        samples = {name: Sample(**plain[name]) for name in ("probability", "distance")}
        return cls(**dict(plain) | samples)


def figures(model: Model, features: Features, covid: np.ndarray) -> Figures:
    """Of images that a model has not learned from, by their features (N, F) and truth (N,) bool."""
    said, distances = probabilities(model.head, features), model.distances(features)
    reasons = np.array([reason or "" for reason in model.abstentions(distances, said)], dtype=np.str_)
    chest, found = reasons != "NOT_A_CHEST_XRAY", reasons == ""
    far = distances[chest & np.isfinite(distances)]
    return Figures(
        images=len(said),
        abstained={reason: int((reasons == reason).sum()) for reason in REASONS},
        probability=Sample.of(said[chest]),
        distance=Sample.of(far),
        labelled=int(found.sum()),
        agreed=int(((said >= model.threshold) == covid)[found].sum()),
        median=quantile(far, 0.5),
        high=quantile(far, HIGH),
    )


def quantile(values: np.ndarray, share: float) -> float | None:
    """The smallest of the numbers (N,) with that share of them no larger; None of no numbers."""
    return float(np.quantile(values, share, method="inverted_cdf")) if len(values) else None


@dataclass(frozen=True)
class Difference:
    """Of what is met less what judged the model, with its interval."""

    value: float
    low: float
    high: float

    def exceeds(self, margin: float) -> bool:
        """Whether the whole interval lies beyond the margin, to either side."""
        return self.low > margin or self.high < -margin


@dataclass(frozen=True)
class Signal:
    """One figure then and now. Without a difference there is too little to compare, on one side or both."""

    name: Name
    reference: float | None
    now: float | None
    images: int
    """That ``now`` is of."""
    difference: Difference | None

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Signal":
        """What `dataclasses.asdict` made plain."""
        found = plain["difference"]
        return cls(**dict(plain) | {"difference": Difference(**found) if found else None})

    @property
    def margin(self) -> float:
        """Smaller differences are of no consequence."""
        return MARGINS[self.name]

    @property
    def differs(self) -> bool:
        """Whether chance and small differences are excluded."""
        return self.difference is not None and self.difference.exceeds(self.margin)

    @property
    def is_over(self) -> bool:
        """Whether a difference that was told of has gone: it is small now, or there are hardly any images.

        That is more than no longer to differ, lest one be told again and again of what lies by the edge.
        """
        if self.difference is None:
            return self.images < FEWEST / 2
        return abs(self.difference.value) <= self.margin


def compare(reference: Figures | None, now: Figures) -> tuple[Signal, ...]:
    """The four signals, in the order of NAMES; of no reference, what there is now."""
    before: tuple[Share | Sample | None, ...]
    before = (None,) * len(NAMES) if reference is None else reference.signals
    return tuple(_signal(*one) for one in zip(NAMES, before, now.signals, strict=True))


def _signal(name: Name, reference: Share | Sample | None, now: Share | Sample) -> Signal:
    images = _size(now)
    difference = None
    if reference is not None and min(images, _size(reference)) >= FEWEST:
        difference = _between(reference, now)
    return Signal(name, reference.value if reference else None, now.value, images, difference)


def _size(figure: Share | Sample) -> int:
    return figure.total if isinstance(figure, Share) else figure.count


def _between(reference: Share | Sample, now: Share | Sample) -> Difference:
    if isinstance(reference, Share) and isinstance(now, Share):
        return newcombe(reference, now)
    if isinstance(reference, Sample) and isinstance(now, Sample):
        return welch(reference, now)
    raise TypeError("a share and a mean have no difference")


def newcombe(reference: Share, now: Share) -> Difference:
    """The difference of two shares of other images (Newcombe 1998, method 10, of Wilson's intervals)."""
    z = NormalDist().inv_cdf((1 + LEVEL) / 2)
    old, new = (wilson(share.count, share.total, z) for share in (reference, now))
    value = new.value - old.value
    low = value - hypot(new.value - new.low, old.high - old.value)
    high = value + hypot(new.high - new.value, old.value - old.low)
    return Difference(value, low, high)


def welch(reference: Sample, now: Sample) -> Difference:
    """The difference of two means of other images, whose spread may differ too (Welch 1947)."""
    errors = [sample.deviation**2 / sample.count for sample in (reference, now)]
    value, variance = now.mean - reference.mean, sum(errors)
    if not variance:
        return Difference(value, value, value)
    sizes = [sample.count - 1 for sample in (reference, now)]
    freedom = variance**2 / sum(error**2 / size for error, size in zip(errors, sizes, strict=True))
    half = float(stdtrit(freedom, (1 + LEVEL) / 2)) * sqrt(variance)
    return Difference(value, value - half, value + half)
