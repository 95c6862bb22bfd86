"""The frozen holdout and the folds: nobody on both sides."""

import numpy as np
import pytest

from ml.splits import SplitError, grouped_folds, holdout_mask, in_holdout, pseudonym


def test_about_a_quarter_is_held_out() -> None:
    assert holdout_mask([f"patient-{number}" for number in range(4000)]).mean() == pytest.approx(
        0.25, abs=0.03
    )


def test_the_holdout_is_frozen() -> None:
    """Were the hash ever changed, images that models were trained on would come to judge them."""
    frozen = [name for name in (f"patient-{number}" for number in range(20)) if in_holdout(name)]
    assert frozen == [
        "patient-0",
        "patient-1",
        "patient-4",
        "patient-8",
        "patient-9",
        "patient-13",
        "patient-14",
        "patient-15",
    ]


def test_a_pseudonym_is_stable_and_says_nothing() -> None:
    assert pseudonym("Ann Example") == pseudonym("Ann Example") != pseudonym("Ann Example ")
    assert len(pseudonym("x")) == 16
    int(pseudonym("x"), 16)


def dataset(seed: int = 0) -> tuple[list[str], list[str]]:
    """300 images of about 120 patients; a patient's images may differ in label."""
    generator = np.random.default_rng(seed)
    groups = [f"p{number}" for number in generator.integers(0, 120, 300)]
    return list(generator.choice(["covid", "pneumonia", "no_finding"], 300, p=[0.15, 0.45, 0.4])), groups


def test_folds_share_no_patient_and_miss_no_image() -> None:
    labels, groups = dataset()
    folds = grouped_folds(labels, groups, 5)
    assert sorted(np.concatenate(folds)) == list(range(300))
    members = [{groups[row] for row in fold} for fold in folds]
    assert sum(map(len, members)) == len(set(groups))


def test_folds_are_balanced_in_every_label() -> None:
    labels, groups = dataset()
    for label in set(labels):
        counts = [sum(labels[row] == label for row in fold) for fold in grouped_folds(labels, groups, 5)]
        assert max(counts) - min(counts) <= 3, label


def test_the_seed_decides_the_folds() -> None:
    labels, groups = dataset()
    first, again, other = (grouped_folds(labels, groups, 3, seed) for seed in (1, 1, 2))
    assert all(map(np.array_equal, first, again))
    assert not all(map(np.array_equal, first, other))


@pytest.mark.parametrize(
    ("folds", "message"), [(1, "two or more"), (4, "covid: 3 patients are too few for 4")]
)
def test_too_few_patients_are_an_error(folds: int, message: str) -> None:
    labels, groups = ["covid"] * 6 + ["no_finding"] * 6, [*"aabbcc", *"defghi"]
    with pytest.raises(SplitError, match=message):
        grouped_folds(labels, groups, folds)
