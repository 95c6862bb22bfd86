"""What models said of images that they had not learned from, and the figures that come of it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ml.evaluation import Estimate, Evaluation, delong, evaluate, sensitivity_at, wilson


@dataclass(frozen=True)
class OfSome:
    """The figures of some images; none where there are none of the class, or of both."""

    positives: int
    negatives: int
    sensitivity: Estimate | None
    specificity: Estimate | None
    auc: Estimate | None


@dataclass(frozen=True, eq=False)
class Result:
    """Of N images: truth ``covid`` (N,) bool, ``probabilities`` (N,), ``sources`` and ``patients`` (N,) str.

    Each was judged by a model of its own fold, with that model's ``thresholds`` (N,). ``left_open`` (N,) bool
    says where it would have left its finding open. ``chosen`` (N,), if any, are thresholds chosen inside the
    training folds, for heads that are served with another.
    """

    covid: np.ndarray
    probabilities: np.ndarray
    thresholds: np.ndarray
    left_open: np.ndarray
    sources: np.ndarray
    patients: np.ndarray
    chosen: np.ndarray | None = None

    @cached_property
    def evaluation(self) -> Evaluation:
        """All images at the threshold that the model is served with, whether it would decide or not."""
        return evaluate(self.covid, self.probabilities, self.thresholds)

    @cached_property
    def at_chosen(self) -> Evaluation | None:
        """All images at the thresholds chosen in training."""
        return None if self.chosen is None else evaluate(self.covid, self.probabilities, self.chosen)

    @cached_property
    def decided(self) -> Evaluation | None:
        """The images whose finding is not left open; none where a class has none."""
        kept = ~self.left_open
        if not self.covid[kept].any() or self.covid[kept].all():
            return None
        return evaluate(self.covid[kept], self.probabilities[kept], self.thresholds[kept])

    @cached_property
    def open_share(self) -> Estimate:
        """The share of the images whose finding is left open."""
        return wilson(int(self.left_open.sum()), len(self.covid))

    @cached_property
    def at_specificity_99(self) -> Estimate:
        """The sensitivity where 99 % of those without are cleared, a point of the ROC curve."""
        return sensitivity_at(0.99, self.covid, self.probabilities)

    @property
    def called(self) -> np.ndarray:
        """Where (N,) bool the probability reaches the threshold."""
        reached: np.ndarray = self.probabilities >= self.thresholds
        return reached

    @property
    def right(self) -> np.ndarray:
        """Where (N,) bool the threshold is on the side of the truth."""
        agrees: np.ndarray = self.called == self.covid
        return agrees

    def covered(self, covid: bool) -> Estimate:
        """The share of a class that is called rightly or left open: what the conformal band promises."""
        of_class = self.covid == covid
        return wilson(int((self.right | self.left_open)[of_class].sum()), int(of_class.sum()))

    def by_source(self) -> dict[str, OfSome]:
        """The figures of each source, by name."""
        return {str(name): self.among(self.sources == name) for name in np.unique(self.sources)}

    def among(self, rows: np.ndarray) -> OfSome:
        """The figures of some images (N,) bool."""
        with_covid, without = rows & self.covid, rows & ~self.covid
        return OfSome(
            int(with_covid.sum()),
            int(without.sum()),
            share(self.right, with_covid),
            share(self.right, without),
            delong(self.probabilities[with_covid], self.probabilities[without])
            if with_covid.any() and without.any()
            else None,
        )


def share(true: np.ndarray, among: np.ndarray) -> Estimate | None:
    """The share (N,) bool that is true among some (N,) bool; none where there are none."""
    return wilson(int(true[among].sum()), int(among.sum())) if among.any() else None


@dataclass(frozen=True)
class LeftOut:
    """Figures on images whose publication or source was left out of the training."""

    name: str
    figures: OfSome
