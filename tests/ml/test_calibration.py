"""Platt's line against what is known of it, Youden's cut by brute force, and how often the band errs."""

import numpy as np
import pytest
from scipy.optimize import minimize

from ml.calibration import Platt, best_threshold, open_band, platt


def scored(count: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores (N,) that tell a third of positives from the others, if not well, and the truth (N,) bool."""
    generator = np.random.default_rng(seed)
    positive = np.arange(count) % 3 == 0
    return generator.normal(np.where(positive, 1.0, -1.0), 1.5), positive


# ------------------------------------------------------------------ probabilities


def test_platts_line_is_where_his_loss_is_least() -> None:
    """His loss, written from his paper, minimised by a method that needs no gradient."""
    scores, positive = scored()
    targets = np.where(positive, 101 / 102, 1 / 202)

    def loss(line: np.ndarray) -> float:
        shares = 1 / (1 + np.exp(-(line[0] * scores + line[1])))
        return float(-(targets * np.log(shares) + (1 - targets) * np.log(1 - shares)).sum())

    expected = minimize(loss, [0, 0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10}).x
    assert platt(scores, positive) == pytest.approx(expected, abs=1e-4)


def test_normal_scores_have_the_line_of_bayes() -> None:
    """Of normal scores of one deviation s and means -m and m the log-odds are 2 m x / s², and the prior's."""
    found = platt(*scored(60_000))
    assert found.slope == pytest.approx(2 / 1.5**2, rel=0.03)
    assert found.intercept == pytest.approx(np.log(1 / 2), abs=0.03)


def test_a_line_on_top_of_a_line_is_taken_back() -> None:
    """Scores that are stretched and moved have the same probabilities."""
    scores, positive = scored()
    before, after = platt(scores, positive), platt(7 * scores - 3, positive)
    np.testing.assert_allclose(
        after.probability(7 * scores - 3), before.probability(scores), atol=1e-4, rtol=1e-4
    )


def test_scores_that_separate_stay_short_of_certainty() -> None:
    """His smoothed targets: five of five are no proof of always."""
    scores, positive = np.repeat([-1.0, 1.0], 5), np.repeat([False, True], 5)
    np.testing.assert_allclose(
        platt(scores, positive).probability(scores), np.repeat([1 / 7, 6 / 7], 5), rtol=1e-5
    )


def test_a_line_gives_probabilities() -> None:
    assert Platt(2.0, -1.0).probability(np.array([0.5, 1.0])) == pytest.approx([0.5, 1 / (1 + np.e**-1)])


# ------------------------------------------------------------------ the threshold


@pytest.mark.parametrize("seed", range(20))
def test_no_other_cut_has_a_larger_sum_of_sensitivity_and_specificity(seed: int) -> None:
    scores, positive = scored(40, seed)
    probabilities = np.round(
        1 / (1 + np.exp(-scores)), 1 + seed % 2
    )  # with ties, as far as rounding makes them
    chosen = best_threshold(probabilities, positive)

    def gain(threshold: float) -> float:
        called = probabilities >= threshold
        return float(called[positive].mean() + (~called[~positive]).mean())

    cuts = np.unique(probabilities)
    assert gain(chosen) == pytest.approx(max(gain(cut) for cut in cuts))
    assert np.abs(chosen - (cuts[1:] + cuts[:-1]) / 2).min() < 1e-12, "midway between two neighbours"


# ------------------------------------------------------------------ the band


def beta_scores(generator: np.random.Generator, count: int, positive: bool) -> np.ndarray:
    return generator.beta(4, 2, count) if positive else generator.beta(2, 4, count)


def shares_beyond(error: float) -> tuple[np.ndarray, np.ndarray]:
    """Of 400 new images of each class, those with COVID below and those without above the band.

    Over 600 bands, each from 60 images with COVID and 90 without.
    """
    generator = np.random.default_rng(1)
    positive = np.arange(150) < 60
    below, above = [], []
    for _ in range(600):
        known = np.concatenate([generator.beta(4, 2, 60), generator.beta(2, 4, 90)])
        low, high = open_band(known, positive, error)
        below.append((generator.beta(4, 2, 400) < low).mean())
        above.append((generator.beta(2, 4, 400) > high).mean())
    return np.array(below), np.array(above)


@pytest.mark.parametrize("error", [0.05, 0.1])
def test_each_class_falls_beyond_the_band_as_often_as_promised(error: float) -> None:
    """A conformal share is on average between error - 1 / (n + 1) and error."""
    for shares, known in zip(shares_beyond(error), (60, 90), strict=True):
        noise = 3 * shares.std() / np.sqrt(len(shares))
        assert error - 1 / (known + 1) - noise < shares.mean() < error + noise


def test_where_the_ends_have_crossed_no_more_is_wrong_than_promised() -> None:
    """So much error is allowed that every image could be called; what contradicts itself is left open."""
    for shares in shares_beyond(0.4):
        assert shares.mean() < 0.4


def test_the_ends_are_the_ranks_that_exchangeability_asks_for() -> None:
    """Of 19 and one more, each of 20 places is as likely: the 18th largest leaves 2 of 20 beyond it."""
    with_covid, without = np.arange(31, 50) / 100, np.arange(41, 60) / 100
    probabilities = np.concatenate([with_covid, without])
    low, high = open_band(probabilities, np.repeat([True, False], 19), error=0.1)
    assert (low, high) == pytest.approx((0.32, 0.58))
    assert (with_covid < low).sum() == (without > high).sum() == 1


def test_the_order_of_the_images_does_not_matter() -> None:
    scores, positive = scored(90)
    probabilities = 1 / (1 + np.exp(-scores))
    mixed = np.random.default_rng(3).permutation(90)
    assert open_band(probabilities, positive) == open_band(probabilities[mixed], positive[mixed])


def test_both_classes_are_treated_alike() -> None:
    """With COVID and its absence exchanged, the band is mirrored."""
    scores, positive = scored(90)
    probabilities = 1 / (1 + np.exp(-scores))
    low, high = open_band(probabilities, positive)
    assert open_band(1 - probabilities, ~positive) == pytest.approx((1 - high, 1 - low))


def test_classes_far_apart_leave_open_what_lies_between() -> None:
    probabilities = np.concatenate([np.linspace(0.8, 0.9, 30), np.linspace(0.1, 0.2, 30)])
    low, high = open_band(probabilities, np.repeat([True, False], 30))
    assert 0.18 < low <= 0.2
    assert 0.8 <= high < 0.82


@pytest.mark.parametrize(
    ("with_covid", "without", "band"), [(8, 8, (0.0, 1.0)), (9, 8, (0.6, 1.0)), (8, 9, (0.0, 0.4))]
)
def test_too_few_images_of_a_class_leave_its_side_open(
    with_covid: int, without: int, band: tuple[float, float]
) -> None:
    """Fewer than nine cannot show that one in ten is beyond them."""
    probabilities = np.repeat([0.6, 0.4], [with_covid, without])
    assert open_band(probabilities, np.repeat([True, False], [with_covid, without])) == pytest.approx(band)
