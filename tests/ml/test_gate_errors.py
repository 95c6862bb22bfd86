"""How often the gate errs on made-up holdouts: what is worse seldom passes, small ones decide nothing."""

import numpy as np
import pytest

from benchmarks.gate_errors import Holdout, Scores, cases, likeness, rates, verdicts

INCUMBENT = Scores.of(0.88, 0.9, 0.95)
COUNT = 100


def holdout(patients: int) -> Holdout:
    """A third of the patients with COVID, every second patient with two images."""
    numbers = np.concatenate([np.arange(patients), np.arange(0, patients, 2)])
    return Holdout(numbers % 3 == 0, numbers, 0.3)


def test_the_binormal_model_has_the_figures_that_it_was_made_of() -> None:
    assert INCUMBENT.auc == pytest.approx(0.95)
    generator = np.random.default_rng(0)
    judged, _ = holdout(30_000).drawn(INCUMBENT, INCUMBENT, generator)
    called, positive = judged.probabilities >= 0.5, holdout(30_000).positive
    assert called[positive].mean() == pytest.approx(0.88, abs=0.01)
    assert (~called)[~positive].mean() == pytest.approx(0.9, abs=0.01)


def test_a_candidate_is_worse_by_what_was_asked() -> None:
    assert INCUMBENT.less(auc=0.02).auc == pytest.approx(0.93)
    again = Scores.of(0.78, 0.9, INCUMBENT.less(sensitivity=0.1).auc)
    assert again.deviation == pytest.approx(INCUMBENT.deviation)


def test_images_of_one_patient_are_as_alike_as_asked() -> None:
    one = holdout(20_000)
    judged, _ = one.drawn(INCUMBENT, INCUMBENT, np.random.default_rng(0))
    logits = np.log(judged.probabilities / (1 - judged.probabilities))[~one.positive]
    assert likeness(logits, one.patients[~one.positive]) == pytest.approx(0.3, abs=0.03)


def test_what_is_worse_by_a_margin_is_seldom_promoted() -> None:
    candidates = dict(cases(INCUMBENT))
    for figure in ("sensitivity", "specificity", "AUC"):
        found = rates(
            list(verdicts(holdout(300), INCUMBENT, candidates[f"{figure} worse by its margin"], COUNT, 2))
        )
        assert found[figure] <= 0.08, "2.5 % and what chance adds to a hundred"
        assert found["promote"] <= 0.05
    better = rates(list(verdicts(holdout(300), INCUMBENT, INCUMBENT.less(auc=-0.02), COUNT, 2)))
    assert better["promote"] > 0.9


def test_a_small_holdout_promotes_nothing_by_itself() -> None:
    for _, candidate in cases(INCUMBENT):
        found = rates(list(verdicts(holdout(60), INCUMBENT, candidate, COUNT // 4, 2)))
        assert found["promote"] == 0
        assert found["awaits"] == found["passes"]
