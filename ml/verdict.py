"""The verdict of the gate: figures of two models side by side, in numbers and in words."""

import math
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
    sizes: tuple[Size, Size]

    @property
    def passes(self) -> bool:
        """Whether no figure lies beyond its margin."""
        return all(comparison.passes for comparison in self.comparisons)

    @property
    def too_small(self) -> bool:
        """Whether the holdout has too few patients of a class to decide by itself; see `ml.gate.judge`."""
        return any(size.patients < size.needed for size in self.sizes)

    @property
    def promote(self) -> bool:
        """Whether the candidate goes into service without anybody's word."""
        return self.passes and not self.too_small

    @property
    def awaits(self) -> bool:
        """Whether the candidate passed and an administrator has to confirm."""
        return self.passes and self.too_small

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        outcome = "Promoted" if self.promote else "Awaiting confirmation" if self.awaits else "Rejected"
        return f"{outcome}: {'; '.join(map(str, self.comparisons))}.{self._warning}"

    @property
    def _warning(self) -> str:
        if not self.too_small:
            return ""
        held = " and ".join(f"{size.patients} {size.name} (of {size.needed} needed)" for size in self.sizes)
        remedy = " An administrator has to confirm, by promoting it with a reason." if self.awaits else ""
        return f" The holdout is too small to decide by itself: it has {held}.{remedy}"

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

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON."""
        compared = [asdict(one) | {"passes": one.passes} for one in self.comparisons]
        return {"comparisons": compared, "sizes": [asdict(size) for size in self.sizes]}
