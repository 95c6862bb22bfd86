"""The verdict of the gate: figures of two models side by side, in numbers and in words."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ml.evaluation import Estimate

NOT_BY_CHANCE = 0.05
"""Below this McNemar's p is told in the verdict's words."""


@dataclass(frozen=True)
class Discordance:
    """Images that one of the two models alone calls rightly, and how often chance parts them so unevenly.

    ``p`` is McNemar's test (1947) in its exact form: were the models alike, each such image would fall to
    either with one half, so it is a binomial's two tails. It takes images for independent, unlike the
    bootstrap, and decides nothing.
    """

    candidate_alone: int
    incumbent_alone: int
    p: float

    @classmethod
    def of(cls, old: np.ndarray, new: np.ndarray) -> "Discordance":
        """From right calls of the incumbent and of the candidate, (N,) bool each."""
        won, lost = int((new & ~old).sum()), int((old & ~new).sum())
        tail = sum(math.comb(won + lost, count) for count in range(min(won, lost) + 1))
        return cls(won, lost, min(1.0, 2 * tail / 2 ** (won + lost)))


@dataclass(frozen=True)
class Comparison:
    """One figure of both models, their difference by the bootstrap, and McNemar's test of the calls."""

    name: str
    incumbent: float
    candidate: float
    difference: Estimate
    margin: float
    alone: Discordance | None = None

    @property
    def passes(self) -> bool:
        """Whether even the lower end of the difference lies no further down than the margin."""
        return self.difference.low >= -self.margin

    def __str__(self) -> str:
        relation = "within" if self.passes else "beyond"
        low, high = self.difference.low, self.difference.high
        return (
            f"{self.name} {self.candidate:.3f} against {self.incumbent:.3f} (difference "
            f"{self.difference.value:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}), "
            f"{relation} the margin of {self.margin:.3f}{self._unlikely}"
        )

    @property
    def _unlikely(self) -> str:
        if self.alone is None or self.alone.p >= NOT_BY_CHANCE:
            return ""
        won, lost, p = self.alone.candidate_alone, self.alone.incumbent_alone, self.alone.p
        return f", and not by chance: {won} images won and {lost} lost, McNemar's exact p {p:.2g}"


@dataclass(frozen=True)
class Size:
    """Patients of one class in the holdout, and how many the gate needs to decide by itself."""

    name: str
    patients: int
    needed: int


@dataclass(frozen=True)
class Verdict:
    """What becomes of the candidate, why, and candidate less incumbent with 95 % intervals."""

    comparisons: tuple[Comparison, Comparison, Comparison]
    """Sensitivity, specificity and AUC."""
    sizes: tuple[Size, Size]
    home: Comparison | None = None
    """The AUC of those at home alone, where others judge too."""

    @property
    def passes(self) -> bool:
        """Whether no figure lies beyond its margin; at home, where few judge, the difference alone counts."""
        at_home = self.home is None or self.home.difference.value >= -self.home.margin
        return at_home and all(comparison.passes for comparison in self.comparisons)

    @property
    def too_small(self) -> bool:
        """Whether the holdout has too few patients of a class to decide by itself; see `ml.gate.judge`."""
        return any(size.patients < size.needed for size in self.sizes)

    @property
    def undecided_at_home(self) -> bool:
        """Whether those at home are too few to exclude a loss beyond the margin."""
        return self.home is not None and not self.home.passes

    @property
    def promote(self) -> bool:
        """Whether the candidate goes into service without anybody's word."""
        return self.passes and not self.too_small and not self.undecided_at_home

    @property
    def awaits(self) -> bool:
        """Whether the candidate passed and an administrator has to confirm."""
        return self.passes and not self.promote

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        outcome = "Promoted" if self.promote else "Awaiting confirmation" if self.awaits else "Rejected"
        compared = "; ".join(map(str, self._compared))
        return " ".join([f"{outcome}: {compared}.", *self._doubts()])

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON; the comparison at home is the last one, where there is one."""
        compared = [asdict(one) | {"passes": one.passes} for one in self._compared]
        return {"comparisons": compared, "sizes": [asdict(size) for size in self.sizes]}

    @property
    def _compared(self) -> tuple[Comparison, ...]:
        return self.comparisons if self.home is None else (*self.comparisons, self.home)

    def _doubts(self) -> Iterator[str]:
        if self.too_small:
            held = [f"{size.patients} {size.name} (of {size.needed} needed)" for size in self.sizes]
            yield f"The holdout is too small to decide by itself: it has {' and '.join(held)}."
        if self.undecided_at_home and self.passes:
            yield "Patients at home are too few to exclude a loss beyond the margin there."
        if self.awaits:
            yield "An administrator has to confirm, by promoting it with a reason."

    @property
    def sensitivity_difference(self) -> Estimate:
        """Of the share of COVID images found."""
        return self.comparisons[0].difference

    @property
    def specificity_difference(self) -> Estimate:
        """Of the share of other images let pass."""
        return self.comparisons[1].difference

    @property
    def auc_difference(self) -> Estimate:
        """Of the area under the ROC curve."""
        return self.comparisons[2].difference
