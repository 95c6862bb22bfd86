"""The gate: what must not pass, what must, and what it says."""

import json

import numpy as np
import pytest
from scipy.stats import binomtest

from ml.evaluation import EvaluationError
from ml.gate import Judged, Margins, judge, patients_needed
from ml.verdict import Discordance, Verdict

PATIENTS = 200


def holdout(seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """300 images of 200 patients, a fifth with COVID, and a good model's probabilities."""
    generator = np.random.default_rng(seed)
    sick = generator.random(PATIENTS) < 0.2
    patients = np.concatenate([np.arange(PATIENTS), generator.integers(0, PATIENTS, 100)])
    labels = sick[patients].astype(int)
    probabilities = 1 / (1 + np.exp(-generator.normal(8 * labels - 4, 1.5)))
    return labels, probabilities, [f"patient {number}" for number in patients]


def verdict_on(candidate: np.ndarray) -> Verdict:
    labels, probabilities, groups = holdout()
    return judge(labels, Judged(probabilities), Judged(candidate), groups)


def test_a_model_is_as_good_as_itself() -> None:
    _, probabilities, _ = holdout()
    verdict = verdict_on(probabilities)
    assert verdict.promote
    assert verdict.auc_difference.low == verdict.auc_difference.high == 0


def test_a_slightly_different_model_passes() -> None:
    _, probabilities, _ = holdout()
    logits = np.log(probabilities / (1 - probabilities)) + np.random.default_rng(9).normal(0, 0.3, 300)
    assert verdict_on(1 / (1 + np.exp(-logits))).promote


def test_a_model_that_learned_the_opposite_is_refused() -> None:
    _, probabilities, _ = holdout()
    verdict = verdict_on(1 - probabilities)
    assert not verdict.promote
    assert verdict.sentence.startswith("Rejected: sensitivity")


def test_noise_is_refused() -> None:
    for seed in range(5):
        verdict = verdict_on(np.random.default_rng(seed).random(300))
        assert (verdict.promote, verdict.awaits) == (False, False)


def test_a_model_that_calls_everyone_sick_is_refused_for_its_specificity() -> None:
    _, probabilities, _ = holdout()
    verdict = verdict_on(0.5 + probabilities / 2)
    assert verdict.auc_difference.value == pytest.approx(0)
    assert verdict.sensitivity_difference.value >= 0
    assert not verdict.promote
    assert "specificity 0.000" in verdict.sentence
    assert "beyond the margin" in verdict.sentence


def test_a_model_that_misses_the_sick_is_refused() -> None:
    labels, probabilities, _ = holdout()
    missed = np.where((labels == 1) & (np.arange(300) % 3 == 0), 0.01, probabilities)
    assert not verdict_on(missed).promote


def test_a_better_model_passes_and_says_by_how_much() -> None:
    labels, probabilities, groups = holdout()
    worse = np.clip(probabilities + np.random.default_rng(2).normal(0, 0.4, 300), 0, 1)
    verdict = judge(labels, Judged(worse), Judged(probabilities), groups)
    assert verdict.promote
    assert verdict.auc_difference.low > 0
    assert f"difference {verdict.auc_difference.value:+.3f}" in verdict.sentence


def test_each_model_is_judged_at_its_own_threshold() -> None:
    labels, probabilities, groups = holdout()
    halved = Judged(probabilities / 2, threshold=0.25)
    verdict = judge(labels, Judged(probabilities), halved, groups)
    assert verdict.promote
    assert verdict.sensitivity_difference.value == 0


def test_images_of_one_patient_are_drawn_together() -> None:
    """Were images drawn, many copies of one patient's image would look like much evidence."""
    labels, probabilities, _ = holdout()
    candidate = np.clip(probabilities + np.random.default_rng(2).normal(0, 0.3, 300), 0, 1)
    copies = [np.repeat(part, 8) for part in (labels, probabilities, candidate)]
    patients = [f"patient {number}" for number in np.repeat(np.arange(300), 8)]
    once = judge(labels, Judged(probabilities), Judged(candidate), patients[::8])
    together = judge(copies[0], Judged(copies[1]), Judged(copies[2]), patients)
    assert together.auc_difference.value == pytest.approx(once.auc_difference.value)
    assert together.auc_difference.low == pytest.approx(once.auc_difference.low)
    assert together.auc_difference.high == pytest.approx(once.auc_difference.high)


def test_the_margin_decides() -> None:
    labels, probabilities, groups = holdout()
    candidate = np.clip(probabilities + np.random.default_rng(2).normal(0, 0.4, 300), 0, 1)
    lax = Margins(sensitivity=0.99, specificity=0.99, auc=0.99)
    assert not judge(labels, Judged(probabilities), Judged(candidate), groups, Margins(auc=0)).promote
    assert judge(labels, Judged(probabilities), Judged(candidate), groups, lax).promote


def test_the_same_seed_gives_the_same_verdict() -> None:
    labels, probabilities, groups = holdout()
    candidate = np.clip(probabilities + np.random.default_rng(2).normal(0, 0.4, 300), 0, 1)
    first, again = (judge(labels, Judged(probabilities), Judged(candidate), groups, seed=4) for _ in range(2))
    other = judge(labels, Judged(probabilities), Judged(candidate), groups, seed=5)
    assert first == again
    assert first.auc_difference != other.auc_difference


def test_a_holdout_of_one_class_is_an_error() -> None:
    with pytest.raises(EvaluationError):
        judge(np.ones(3), Judged(np.ones(3)), Judged(np.ones(3)), ["a", "b", "c"])


# ------------------------------------------------------------------ small holdouts, and what is told beside


def test_a_lucky_small_holdout_promotes_nothing_by_itself() -> None:
    """Two models that agree on all of ten patients: the interval has no width, and shows nothing."""
    labels, scores = np.arange(80) % 8 == 0, np.where(np.arange(80) % 8 == 0, 0.9, 0.1)
    patients = [f"patient {number}" for number in range(80)]
    verdict = judge(labels, Judged(scores), Judged(scores), patients)
    assert (verdict.passes, verdict.promote, verdict.awaits) == (True, False, True)
    assert verdict.sentence.startswith("Awaiting confirmation: sensitivity 1.000")
    assert "it has 10 patients with COVID (of 36 needed) and 70 without (of 72 needed)" in verdict.sentence
    assert "An administrator has to confirm" in verdict.sentence


def test_images_of_few_patients_make_no_large_holdout() -> None:
    labels, probabilities, _ = holdout()
    few = [f"patient {number % 10}" for number in labels.cumsum()]
    assert judge(labels, Judged(probabilities), Judged(probabilities), few).awaits


def test_what_fails_on_a_small_holdout_is_refused_and_not_awaited() -> None:
    labels, scores = np.arange(40) % 2, np.where(np.arange(40) % 2, 0.9, 0.1)
    verdict = judge(labels, Judged(scores), Judged(1 - scores), [str(number) for number in range(40)])
    assert (verdict.promote, verdict.awaits) == (False, False)
    assert verdict.sentence.startswith("Rejected: ")
    assert "too small to decide" in verdict.sentence
    assert "has to confirm" not in verdict.sentence
    assert len(verdict.sentence) < 1000, "what is kept of it"


@pytest.mark.parametrize(("margin", "needed"), [(0.1, 36), (0.05, 72), (0.01, 368), (0.5, 30)])
def test_so_many_patients_exclude_a_loss_of_the_margin(margin: float, needed: int) -> None:
    assert patients_needed(margin) == needed
    assert (1 - margin) ** needed <= 0.025


def test_mcnemars_test_is_the_exact_one() -> None:
    generator = np.random.default_rng(3)
    for _ in range(20):
        old, new = generator.random((2, 60)) < 0.7
        found = Discordance.of(old, new)
        won, lost = int((new & ~old).sum()), int((old & ~new).sum())
        assert (found.candidate_alone, found.incumbent_alone) == (won, lost)
        assert found.p == pytest.approx(binomtest(won, won + lost).pvalue)
    assert Discordance.of(old, old) == Discordance(0, 0, 1.0)


def test_mcnemars_test_is_told_where_chance_does_not_explain_the_calls() -> None:
    labels, probabilities, _ = holdout()
    missed = np.where((labels == 1) & (np.arange(300) % 3 == 0), 0.01, probabilities)
    verdict = verdict_on(missed)
    lost = verdict.comparisons[0].alone
    assert lost is not None
    assert lost.p < 0.001
    assert f"0 images won and {lost.incumbent_alone} lost, McNemar's exact p" in verdict.sentence
    assert "McNemar" not in verdict_on(probabilities).sentence


def test_the_verdict_is_plain_numbers_too() -> None:
    _, probabilities, _ = holdout()
    plain = json.loads(json.dumps(verdict_on(probabilities).as_dict()))
    assert [one["name"] for one in plain["comparisons"]] == ["sensitivity", "specificity", "AUC"]
    assert plain["comparisons"][0]["difference"] == {"value": 0, "low": 0, "high": 0}
    assert plain["comparisons"][0]["alone"] == {"candidate_alone": 0, "incumbent_alone": 0, "p": 1}
    assert plain["comparisons"][2]["alone"] is None
    assert all(one["passes"] for one in plain["comparisons"])
    assert [size["needed"] for size in plain["sizes"]] == [36, 72]


# ------------------------------------------------------------------ at home


def test_those_who_label_the_others_cannot_answer_for_home() -> None:
    """Many more judge elsewhere, by labels that praise the candidate; at home it is far worse."""
    labels, probabilities, groups = holdout()
    others = np.tile(labels, 3)
    old = np.concatenate([probabilities, np.tile(1 - probabilities, 3)])
    noisy = np.clip(probabilities + np.random.default_rng(2).normal(0, 0.5, 300), 0, 1)
    new = np.concatenate([noisy, np.tile(probabilities, 3)])
    names = groups + [f"another {name} {copy}" for copy in range(3) for name in groups]
    home = np.arange(1200) < 300
    exam = np.concatenate([labels, others]), Judged(old), Judged(new), names
    assert judge(*exam).promote
    verdict = judge(*exam, home=home)
    assert (verdict.promote, verdict.awaits) == (False, False)
    assert all(one.passes for one in verdict.comparisons)
    assert verdict.sentence.startswith("Rejected: ")
    assert "AUC at home" in verdict.sentence
    assert len(verdict.sentence) < 1000, "what is kept of it"


def test_what_home_cannot_exclude_has_to_be_confirmed() -> None:
    labels, probabilities, groups = holdout()
    few = np.arange(300) < 40
    slightly = np.clip(probabilities + np.random.default_rng(2).normal(0, 0.1, 300) * few, 0, 1)
    slightly[np.flatnonzero(few & (labels == 1))[0]] = probabilities[few & (labels == 0)].max() - 0.001
    margins = Margins(sensitivity=0.3, specificity=0.3, auc=0.01)
    verdict = judge(labels, Judged(probabilities), Judged(slightly), groups, margins, home=few)
    assert verdict.home is not None
    assert verdict.home.difference.low < -0.01 <= verdict.home.difference.value
    assert (verdict.promote, verdict.awaits) == (False, True)
    assert "Patients at home are too few" in verdict.sentence


def test_where_nobody_else_judges_home_is_not_told_twice() -> None:
    labels, probabilities, groups = holdout()
    verdict = judge(labels, Judged(probabilities), Judged(probabilities), groups, home=np.ones(300, bool))
    assert [one.name for one in verdict.comparisons] == ["sensitivity", "specificity", "AUC"]
