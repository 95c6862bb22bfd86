"""Drift: rarely told where there is none or little, found where there is much, and never of a few images."""

import dataclasses
import json

import numpy as np
import pytest
from scipy.stats import norm, ttest_ind

from ml import default_model, drift
from ml.drift import FEWEST, MARGINS, Figures, Name, Sample, Share, compare, figures, newcombe, welch

MONTHS = 400
"""Simulated, each of other images; by chance 3 in 100 of one in a hundred would be 12 of them."""


@pytest.fixture(scope="module")
def reference() -> Figures:
    """What the default model was judged by."""
    return Figures.from_dict(default_model.load_record()["reference"])


def month(
    generator: np.random.Generator,
    images: int,
    abstaining: float = 0.118,
    probability: float = 0.0,
    distance: float = 0.0,
    right: float = 0.928,
) -> Figures:
    """Images much like those of the holdout, moved by so much; probabilities lie near 0 and near 1 there."""
    open_ones = int((generator.random(images) < abstaining).sum())
    said = np.clip(generator.beta(0.25, 0.67, images) + probability, 0, 1)
    far = generator.gamma(2.5, 1 / np.sqrt(2.5), images) - np.sqrt(2.5) + distance
    labelled = images - open_ones
    return Figures(
        images=images,
        abstained={"UNCERTAIN": open_ones},
        probability=Sample.of(said),
        distance=Sample.of(far),
        labelled=labelled,
        agreed=int((generator.random(labelled) < right).sum()),
    )


def judged_anew(generator: np.random.Generator) -> Figures:
    """The reference is of some images too, and another time it would be of others."""
    return month(generator, 330)


def told(seed: int = 0, images: int = 300, **moved: float) -> dict[Name, float]:
    """In which share of simulated months each signal differs."""
    generator = np.random.default_rng(seed)
    months = [compare(judged_anew(generator), month(generator, images, **moved)) for _ in range(MONTHS)]
    return {
        name: float(np.mean([signals[place].differs for signals in months]))
        for place, name in enumerate(drift.NAMES)
    }


# ------------------------------------------------------------------ how often it errs


@pytest.mark.parametrize("images", [FEWEST, 300, 3000])
def test_without_drift_it_is_silent(images: int) -> None:
    assert max(told(images=images).values()) <= 0.005


@pytest.mark.parametrize("images", [FEWEST, 300, 3000])
@pytest.mark.parametrize("side", [1, -1])
def test_a_difference_of_the_margin_is_told_as_rarely_as_the_level_says(images: int, side: int) -> None:
    found = told(
        images=images,
        abstaining=0.118 + side * MARGINS["ABSTENTIONS"],
        distance=side * MARGINS["DISTANCE"],
        right=0.928 + side * MARGINS["AGREEMENT"],
    )
    assert all(share <= 0.025 for share in found.values()), found


def test_much_is_found_in_a_few_hundred_images() -> None:
    found = told(abstaining=0.4, distance=1.5, right=0.7)
    assert min(found[name] for name in ("ABSTENTIONS", "DISTANCE", "AGREEMENT")) >= 0.99
    assert told(probability=0.4)["PROBABILITY"] >= 0.99


def test_more_images_find_less() -> None:
    few, many = (told(images=images, abstaining=0.27)["ABSTENTIONS"] for images in (60, 2000))
    assert few < 0.6 < 0.95 < many


# ------------------------------------------------------------------ the intervals


def test_shares_differ_as_in_newcombes_example() -> None:
    """Newcombe (1998), table II, case (a): 56 of 70 and 48 of 80; 95 % by method 10 is 0.0524 to 0.3339."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drift, "LEVEL", 0.95)
        found = newcombe(Share(48, 80), Share(56, 70))
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)


def test_means_differ_as_in_welchs_test() -> None:
    generator = np.random.default_rng(0)
    old, new = generator.normal(0, 1, 80), generator.normal(0.4, 3, 55)
    expected = ttest_ind(new, old, equal_var=False).confidence_interval(drift.LEVEL)
    found = welch(Sample.of(old), Sample.of(new))
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_equal_numbers_have_an_interval_of_no_width() -> None:
    found = welch(Sample.of(np.ones(60)), Sample.of(np.full(60, 2.0)))
    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_the_sums_are_those_of_the_numbers() -> None:
    values = norm.rvs(loc=3, scale=0.01, size=1000, random_state=0)
    found = Sample.of_sums(len(values), float(values.sum()), float((values**2).sum()))
    assert (found.mean, found.deviation) == pytest.approx((values.mean(), values.std(ddof=1)))
    assert Sample.of(np.array([2.0])) == Sample(1, 2.0, 0.0)
    assert Sample.of(np.array([])).value is None


# ------------------------------------------------------------------ what is compared


def test_few_images_are_not_compared(reference: Figures) -> None:
    generator = np.random.default_rng(0)
    few, enough = (compare(reference, month(generator, size, 1.0)) for size in (FEWEST - 1, FEWEST))
    assert [signal.difference for signal in few] == [None] * 4
    assert not any(signal.differs for signal in few)
    assert enough[0].differs
    assert enough[3].difference is None, "no image has a finding"


def test_without_a_reference_there_is_nothing_to_compare() -> None:
    signals = compare(None, month(np.random.default_rng(0), 100))
    assert [signal.name for signal in signals] == list(drift.NAMES)
    assert {signal.difference for signal in signals} == {signal.reference for signal in signals} == {None}
    assert all(signal.now is not None for signal in signals)


def test_a_model_that_measures_no_distance_is_compared_by_the_rest(reference: Figures) -> None:
    paper = dataclasses.replace(reference, distance=Sample())
    signals = compare(paper, month(np.random.default_rng(0), 100))
    assert [signal.difference is None for signal in signals] == [False, False, True, False]


# ------------------------------------------------------------------ the reference


def test_the_shipped_reference_is_that_of_the_model_on_its_holdout(reference: Figures) -> None:
    shipped = default_model.load()
    base, held = shipped.base_set, shipped.base_set.holdout
    again = figures(shipped.model, base.features[held], base.covid[held])
    assert reference.images == held.sum()
    assert again.probability.mean == pytest.approx(reference.probability.mean, abs=1e-3)
    assert again.distance.mean == pytest.approx(reference.distance.mean, abs=1e-2)
    assert (again.median, again.high) == pytest.approx((reference.median, reference.high), abs=1e-2)
    assert again.abstentions.count == pytest.approx(reference.abstentions.count, abs=2)
    assert again.agreed / again.labelled == pytest.approx(reference.agreement.value, abs=0.01)


def test_images_that_taught_a_model_would_hide_what_it_meets(reference: Figures) -> None:
    """Why they are left out: it abstains on hardly any of them, and is right about all."""
    shipped = default_model.load()
    base, taught = shipped.base_set, ~shipped.base_set.holdout
    found = figures(shipped.model, base.features[taught], base.covid[taught])
    signals = {signal.name: signal for signal in compare(reference, found)}
    fewer = signals["ABSTENTIONS"]
    assert fewer.now is not None
    assert fewer.now < 0.01
    assert fewer.difference is not None
    assert fewer.difference.high < -0.04
    assert found.agreed == found.labelled


def test_photographs_are_counted_and_neither_weighed_nor_measured() -> None:
    shipped = default_model.load()
    base, held = shipped.base_set, shipped.base_set.holdout
    films, truth = base.features[held], base.covid[held]
    photographs = films[:40].copy()
    photographs[:, :-1] = np.random.default_rng(0).permuted(photographs[:, :-1], axis=1)
    photographs[:, -1] = 0.3
    alone = figures(shipped.model, films, truth)
    mixed = figures(shipped.model, np.concatenate([films, photographs]), np.append(truth, truth[:40]))
    assert mixed.images == alone.images + 40
    assert mixed.abstained["NOT_A_CHEST_XRAY"] == alone.abstained["NOT_A_CHEST_XRAY"] + 40
    assert mixed.distance.mean == pytest.approx(alone.distance.mean)
    assert mixed.probability.mean == pytest.approx(alone.probability.mean, abs=1e-4)


def test_it_survives_json(reference: Figures) -> None:
    assert Figures.from_dict(json.loads(json.dumps(reference.as_dict()))) == reference
