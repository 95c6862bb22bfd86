"""Telling sources apart: found where they differ, chance where they do not."""

import numpy as np
import pytest

from ml.shortcuts import told_apart
from ml.splits import SplitError

WHICH = np.arange(80) % 2 == 0
PATIENTS = np.array([f"p{number}" for number in range(80)])


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, (80, 300)).astype(np.float16)


def test_a_mark_of_the_source_is_found() -> None:
    marked = noise()
    marked[WHICH, :10] += 2
    assert told_apart(marked, WHICH, PATIENTS).value > 0.95


def test_what_is_alike_cannot_be_told_apart() -> None:
    found = [told_apart(noise(seed), WHICH, PATIENTS).value for seed in range(6)]
    assert 0.35 < np.mean(found) < 0.65


def test_a_patient_does_not_give_its_source_away() -> None:
    """Every patient has four images that are the same: in other folds they would be recognised."""
    patients = np.repeat(np.arange(20), 4)
    of_patient = np.random.default_rng(1).normal(0, 1, (20, 300))[patients]
    which = patients % 2 == 0
    assert told_apart(of_patient, which, patients.astype(str)).value < 0.85
    assert told_apart(of_patient, which, PATIENTS).value > 0.95


def test_too_few_patients_are_an_error() -> None:
    with pytest.raises(SplitError, match="too few"):
        told_apart(noise(), WHICH, np.array(["p1", "p2"] * 40))
