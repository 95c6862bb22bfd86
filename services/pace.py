"""How long a run will take yet, told from how long its phases have taken so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median
from typing import Final

from ml.heads import PAPER, HeadName
from ml.making import passes

LEAST = 1e-9
"""Seconds that an epoch takes at least, so that others can be told in epochs."""
EXPECTED = 5
"""As many epochs count as what the first lets expect."""


class Phase(StrEnum):
    """What a run does, in this order."""

    FIRST = "first"
    """The first epoch, which waits for the compiler."""
    EPOCH = "epoch"
    FOLD = "fold"
    """All epochs once more, for calibration."""
    NOVELTY = "novelty"
    JUDGING = "judging"
    """The gate, the audit and the record."""


Costs = Mapping[Phase, float]
"""How long a step of each phase takes, in epochs, and in runs of all epochs of a fold."""

# Measured on one core; after a run its own figures take their place.
OF_PAPERS_HEADS: Final[Costs] = {
    Phase.FIRST: 2,
    Phase.EPOCH: 1,
    Phase.FOLD: 1,
    Phase.NOVELTY: 0,
    Phase.JUDGING: 1,
}
OF_HEAD_D: Final[Costs] = {
    Phase.FIRST: 60,
    Phase.EPOCH: 1,
    Phase.FOLD: 1.3,
    Phase.NOVELTY: 30,
    Phase.JUDGING: 15,
}


def usual(head: HeadName) -> dict[Phase, float]:
    """What to expect before any run has been measured."""
    return dict(OF_PAPERS_HEADS if head in PAPER else OF_HEAD_D)


def expected(head: HeadName, measured: Mapping[str, float] | None) -> Costs:
    """What to expect after a run that was measured; phases that only earlier versions had are passed over."""
    known = measured or {}
    return usual(head) | {phase: known[phase.value] for phase in Phase if phase.value in known}


@dataclass
class Pace:
    """The seconds that each phase has taken, and what they say of those that are left.

    Of what has been measured the median counts: the machine serves beside, and a step that had to wait says
    nothing of the others. ``began`` and all moments are by one clock, in seconds; ``resumed`` epochs had been
    done before.
    """

    head: HeadName
    epochs: int
    began: float
    costs: Costs
    resumed: int = 0
    took: dict[Phase, list[float]] = field(default_factory=lambda: {phase: [] for phase in Phase})

    def done(self, phase: Phase, now: float) -> float:
        """The seconds left, once a step of a phase is over; what has not come of earlier ones will not."""
        self.took[phase].append(max(0.0, now - self.began))
        self.began = now
        return self.left(phase)

    def left(self, phase: Phase) -> float:
        """The seconds left in a phase and after it."""
        phases = list(Phase)
        ahead = phases[phases.index(phase) :]
        return self._epoch() * sum(self._steps_left(one) * self._cost(one) for one in ahead)

    def measured(self) -> dict[str, float]:
        """What this run tells the next one to expect; what it has not done stays as it was expected, and all
        of it where the run was cut short: what is taken up takes no time.
        """
        if self.resumed:
            return {phase.value: cost for phase, cost in self.costs.items()}
        epoch = max(LEAST, median(self.took[Phase.EPOCH])) if self.took[Phase.EPOCH] else self._epoch()
        return {
            phase.value: median(took) / epoch / self._size(phase) if took else self.costs[phase]
            for phase, took in self.took.items()
        }

    def _epoch(self) -> float:
        """The seconds of an epoch, by the folds, or by the epochs and what the first one lets expect."""
        if folds := self.took[Phase.FOLD]:
            return max(LEAST, median(folds) / self._cost(Phase.FOLD))
        expected = [seconds / self._cost(Phase.FIRST) for seconds in self.took[Phase.FIRST]] * EXPECTED
        return max(LEAST, median([*expected, *self.took[Phase.EPOCH]] or [LEAST]))

    def _cost(self, phase: Phase) -> float:
        """Of a step, in epochs."""
        return self.costs[phase] * self._size(phase)

    def _size(self, phase: Phase) -> int:
        return self.epochs if phase is Phase.FOLD else 1

    def _steps_left(self, phase: Phase) -> int:
        steps = {
            Phase.FIRST: min(1, self.epochs - self.resumed),
            Phase.EPOCH: self.epochs - self.resumed - 1,
            Phase.FOLD: passes(self.head) - 1,
        }.get(phase, 1)
        return max(0, steps - len(self.took[phase]))
