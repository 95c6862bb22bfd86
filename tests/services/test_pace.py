"""The time left: what is told as a recorded run goes on, against what that run truly took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import pytest

from ml.heads import HeadName
from services.pace import OF_HEAD_D, OF_PAPERS_HEADS, Costs, Pace, Phase, expected, usual

EPOCHS = 20
Took = Mapping[Phase, Sequence[float]]
BUSY: Took = {
    Phase.FIRST: [4.905],
    Phase.EPOCH: [
        *(0.033, 0.03, 0.026, 0.024, 0.093, 0.068, 0.064, 0.204, 0.28, 0.067),
        *(0.045, 0.046, 0.106, 0.04, 0.048, 0.054, 0.049, 0.049, 0.119),
    ],
    Phase.FOLD: [1.914, 2.137, 1.751, 1.797, 2.447],
    Phase.NOVELTY: [1.835],
    Phase.JUDGING: [0.734],
}
"""Seconds of a run of head D on the base set and 140 labels, on one of two cores of a machine under load."""
EVEN: Took = {
    Phase.FIRST: [3.0],
    Phase.EPOCH: [0.05] * 19,
    Phase.FOLD: [1.5] * 5,
    Phase.NOVELTY: [1.6],
    Phase.JUDGING: [0.9],
}


def replayed(took: Took, costs: Costs = OF_HEAD_D, head: HeadName = "D") -> tuple[list[float], list[float]]:
    """After each step of a run what is told of the time left, and what was left in truth."""
    pace, now = Pace(head, EPOCHS, 100.0, costs), 100.0
    told, moments = [], []
    for phase, steps in took.items():
        for seconds in steps:
            now += seconds
            told.append(pace.done(phase, now))
            moments.append(now)
    return told, [now - moment for moment in moments]


def scaled(took: Took, by: float) -> Took:
    return {phase: [by * seconds for seconds in steps] for phase, steps in took.items()}


def learned(took: Took) -> Costs:
    """What a run makes of the costs."""
    pace, now = Pace("D", EPOCHS, 0.0, OF_HEAD_D), 0.0
    for phase, steps in took.items():
        for seconds in steps:
            now += seconds
            pace.done(phase, now)
    return {Phase(name): cost for name, cost in pace.measured().items()}


@pytest.mark.parametrize("took", [BUSY, EVEN, scaled(BUSY, 100)])
def test_what_is_told_is_near_the_truth_from_the_first_epoch_on(took: Took) -> None:
    told, truth = replayed(took)
    assert told[-1] == truth[-1] == 0
    assert all(left >= 0 for left in told)
    for left, true in zip(told[:-1], truth[:-1], strict=True):
        assert true / 2.5 < left < 2.5 * true


def test_the_compiler_s_epochs_are_not_taken_for_the_others() -> None:
    told, truth = replayed(EVEN)
    assert told[0] < 2 * truth[0], "the first epoch alone took longer than 60 others"
    assert told[1] < 2 * truth[1]


@pytest.mark.parametrize("took", [BUSY, EVEN])
def test_the_end_that_is_promised_moves_little(took: Took) -> None:
    """The sum of the time gone and the time left, after the first steps, from one report to the next."""
    told, truth = replayed(took)
    ends = [left - true for left, true in zip(told, truth, strict=True)][4:]
    assert max(abs(later - earlier) for earlier, later in pairwise(ends)) < truth[4] / 3


def test_an_epoch_that_had_to_wait_says_nothing_of_the_others() -> None:
    waited = {**EVEN, Phase.EPOCH: [0.05] * 9 + [30.0] + [0.05] * 9}
    for (told, _), place in ((replayed(waited), 10), (replayed(waited), 15)):
        assert told[place] == pytest.approx(replayed(EVEN)[0][place])


@pytest.mark.parametrize("speed", [0.1, 1.0, 10.0])
def test_the_run_before_tells_the_proportions(speed: float) -> None:
    """On a GPU epochs are short, and what the processor does weighs more: after one run that is known."""
    took = {**EVEN, Phase.EPOCH: [0.001] * 19, Phase.FOLD: [0.1] * 5, Phase.FIRST: [9.0]}
    told, truth = replayed(scaled(took, speed), learned(took))
    assert told == pytest.approx(truth, rel=1e-6, abs=1e-6)
    blind, _ = replayed(scaled(took, speed))
    assert abs(blind[10] - truth[10]) > truth[10] / 2


def test_what_a_run_has_not_done_stays_as_expected() -> None:
    pace = Pace("D", EPOCHS, 0.0, OF_HEAD_D)
    pace.done(Phase.FIRST, 6.0)
    assert pace.measured() == {**OF_HEAD_D, Phase.FIRST: pytest.approx(OF_HEAD_D[Phase.FIRST])}


def test_folds_that_do_not_come_are_not_waited_for() -> None:
    pace, now = Pace("D", EPOCHS, 0.0, OF_HEAD_D), 0.0
    for phase, seconds in ((Phase.FIRST, 3.0), (Phase.EPOCH, 0.1)):
        now += seconds
        pace.done(phase, now)
    assert 0 < pace.done(Phase.NOVELTY, now + 1) <= 0.1 * OF_HEAD_D[Phase.JUDGING]


def test_the_paper_s_heads_are_not_calibrated() -> None:
    took: Took = {Phase.FIRST: [4.0], Phase.EPOCH: [2.0] * 19}
    told, _ = replayed(took, OF_PAPERS_HEADS, "C")
    assert told[0] == 2 * (19 + 1)
    assert told[-1] == 2, "the gate is to come"
    assert usual("C") == OF_PAPERS_HEADS
    assert usual("D") == OF_HEAD_D


@pytest.mark.parametrize("epochs", [1, 2])
def test_few_epochs_and_steps_without_time_have_no_time_left(epochs: int) -> None:
    pace = Pace("D", epochs, 5.0, OF_HEAD_D)
    for phase in Phase:
        assert 0 <= pace.done(phase, 5.0) < 1e-6
    assert all(cost >= 0 for cost in pace.measured().values())
    assert pace.done(Phase.JUDGING, 4.0) == 0, "whatever the clock does"


def test_a_run_that_was_taken_up_expects_the_epochs_that_are_left_and_teaches_the_next_nothing() -> None:
    pace = Pace("C", EPOCHS, 0.0, OF_PAPERS_HEADS, resumed=15)
    assert pace.done(Phase.FIRST, 4.0) == 2 * (4 + 1)
    assert pace.measured() == OF_PAPERS_HEADS
    whole = Pace("C", EPOCHS, 0.0, OF_PAPERS_HEADS, resumed=EPOCHS)
    assert whole.done(Phase.NOVELTY, 1.0) >= 0


def test_a_phase_that_only_earlier_versions_had_is_passed_over() -> None:
    assert expected("D", {"second": 45.0, "novelty": 7.0}) == {**OF_HEAD_D, Phase.NOVELTY: 7.0}
    assert expected("D", None) == OF_HEAD_D
