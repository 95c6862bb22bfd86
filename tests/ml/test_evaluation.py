"""Sensitivity, specificity, AUC and calibration, against values worked out another way."""

import json

import numpy as np
import pytest

from ml.evaluation import (
    Evaluation,
    EvaluationError,
    average_precision,
    calibration_bins,
    calibration_error,
    delong,
    evaluate,
    precision_recall,
    roc_curve,
    sensitivity_at,
    wilson,
)

LABELS = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0])
PROBABILITIES = np.array([0.9, 0.8, 0.5, 0.2, 0.1, 0.2, 0.3, 0.4, 0.45, 0.6])


def test_counts_and_rates_at_the_threshold() -> None:
    found = evaluate(LABELS, PROBABILITIES)
    assert (found.counts.true_positives, found.counts.false_negatives) == (3, 1), "0.5 itself is positive"
    assert (found.counts.true_negatives, found.counts.false_positives) == (5, 1)
    assert found.sensitivity.value == 0.75
    assert found.specificity.value == pytest.approx(5 / 6)
    assert (found.positives, found.negatives) == (4, 6)


@pytest.mark.parametrize(
    ("specificity", "sensitivity"),
    [(1, 0.5), (0.9, 0.5), (5 / 6, 0.75), (2 / 6, 0.75), (1 / 6, 1), (0.1, 1)],
)
def test_sensitivity_where_so_many_are_cleared(specificity: float, sensitivity: float) -> None:
    assert sensitivity_at(specificity, LABELS, PROBABILITIES).value == sensitivity


def test_another_threshold_calls_others() -> None:
    found = evaluate(LABELS, PROBABILITIES, threshold=0.15)
    assert found.sensitivity.value == 1
    assert found.specificity.value == pytest.approx(1 / 6)
    assert found.threshold == 0.15


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(9, 10, 0.5958, 0.9821), (0, 20, 0.0, 0.1611), (20, 20, 0.8389, 1.0), (50, 100, 0.4038, 0.5962)],
)
def test_wilsons_interval_has_its_published_values(
    successes: int, trials: int, low: float, high: float
) -> None:
    found = wilson(successes, trials)
    assert (found.low, found.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_auc_counts_pairs_in_order() -> None:
    pairs = [(p > n) + 0.5 * (p == n) for p in PROBABILITIES[:4] for n in PROBABILITIES[4:]]
    assert evaluate(LABELS, PROBABILITIES).auc.value == pytest.approx(np.mean(pairs))


def test_the_roc_curve_has_the_area_that_is_told() -> None:
    false, found = roc_curve(LABELS, PROBABILITIES)
    assert np.trapezoid(found, false) == pytest.approx(evaluate(LABELS, PROBABILITIES).auc.value)


def test_the_roc_curve_turns_at_each_of_its_points() -> None:
    """0.9 and 0.8 are one way up, 0.45 to 0.3 one way across, and the two of 0.2 are called together."""
    false, found = roc_curve(LABELS, PROBABILITIES)
    assert list(zip((6 * false).round(), (4 * found).round(), strict=True)) == [
        (0, 0),
        (0, 2),
        (1, 2),
        (1, 3),
        (4, 3),
        (5, 4),
        (6, 4),
    ]


def test_calibration_is_told_by_the_bins_of_its_error() -> None:
    bins = calibration_bins(LABELS, PROBABILITIES)
    assert [one.images for one in bins] == [1, 2, 1, 2, 1, 1, 1, 1]
    assert (bins[1].probability, bins[1].frequency) == (pytest.approx(0.2), wilson(1, 2))
    gaps = [one.images * abs(one.probability - one.frequency.value) for one in bins]
    assert sum(gaps) / len(LABELS) == pytest.approx(calibration_error(LABELS, PROBABILITIES))


def test_delongs_interval_is_that_of_its_formula() -> None:
    """Each image's component by its definition, pair by pair (DeLong et al. 1988, equations 4 to 6)."""
    generator = np.random.default_rng(3)
    positives, negatives = generator.normal(0.7, 0.2, 30).round(2), generator.normal(0.5, 0.2, 50).round(2)
    psi = np.array([[(p > n) + 0.5 * (p == n) for n in negatives] for p in positives])
    variance = psi.mean(axis=1).var(ddof=1) / 30 + psi.mean(axis=0).var(ddof=1) / 50
    found = delong(positives, negatives)
    assert found.value == pytest.approx(psi.mean())
    assert found.high - found.value == pytest.approx(1.96 * np.sqrt(variance), rel=1e-4)
    assert found.value - found.low == pytest.approx(1.96 * np.sqrt(variance), rel=1e-4)


def test_delongs_interval_covers_the_truth_as_often_as_it_says() -> None:
    generator = np.random.default_rng(5)
    truth = 0.7602  # of two normals one deviation apart: the normal distribution at 1 / sqrt(2)
    found = [delong(generator.normal(1, 1, 40), generator.normal(0, 1, 60)) for _ in range(400)]
    covered = np.mean([estimate.low <= truth <= estimate.high for estimate in found])
    assert 0.92 <= covered <= 0.98


def test_a_perfect_order_still_has_an_interval() -> None:
    found = delong(np.array([0.8, 0.9, 0.95]), np.array([0.1, 0.2, 0.3, 0.4]))
    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx(wilson(3, 3).low)
    assert delong(np.array([0.1]), np.array([0.5, 0.6])).high == pytest.approx(wilson(0, 1).high)


def test_calibration_error_is_the_mean_gap_of_the_bins() -> None:
    labels = np.array([1, 0, 1, 1])
    assert calibration_error(labels, np.array([0.55, 0.55, 0.95, 1.0])) == pytest.approx((0.1 + 0.05) / 4)


def test_what_is_right_on_average_is_calibrated() -> None:
    generator = np.random.default_rng(1)
    probabilities = generator.random(20_000)
    labels = generator.random(20_000) < probabilities
    assert calibration_error(labels, probabilities) < 0.02
    assert calibration_error(labels, probabilities**3) > 0.1


@pytest.mark.parametrize(
    ("labels", "probabilities", "message"),
    [
        ([1, 1], [0.5, 0.6], "one kind is missing"),
        ([0, 0], [0.5, 0.6], "one kind is missing"),
        ([], [], "one kind is missing"),
        ([0, 1], [0.5, np.nan], "not between 0 and 1"),
        ([0, 1], [0.5, 1.5], "not between 0 and 1"),
        ([0, 1], [0.5], "2 labels for 1"),
    ],
)
def test_nothing_is_made_of_nothing(labels: list[int], probabilities: list[float], message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        evaluate(np.array(labels), np.array(probabilities))


def test_an_evaluation_survives_json() -> None:
    found = evaluate(LABELS, PROBABILITIES)
    assert Evaluation.from_dict(json.loads(json.dumps(found.as_dict()))) == found


def test_average_precision_is_the_mean_precision_at_each_positive() -> None:
    """Ranked: covid, covid, another, covid, then others; one of two that tie is covid."""
    labels = np.array([1, 1, 0, 1, 0, 0, 1, 0])
    found = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.2, 0.2])
    assert average_precision(labels, found) == pytest.approx((1 + 1 + 3 / 4 + 4 / 8) / 4)
    precision, recall = precision_recall(labels, found)
    assert (precision[-1], recall[-1]) == (0.5, 1)
    assert len(precision) == 7
