"""The figures of a study's images, worked out by hand."""

import numpy as np
import pytest

from services.study_results import Result

#                 with COVID                without
COVID = np.array([1, 1, 1, 1, 0, 0, 0, 0], bool)
FOUND = np.array([0.9, 0.6, 0.4, 0.1, 0.8, 0.3, 0.2, 0.1])
OPEN = np.array([0, 0, 1, 0, 0, 1, 0, 0], bool)
SOURCES = np.array(["one", "one", "both", "both", "both", "both", "two", "two"])


@pytest.fixture
def result() -> Result:
    patients = np.array([f"p{number}" for number in range(8)])
    return Result(COVID, FOUND, np.full(8, 0.5), OPEN, SOURCES, patients, chosen=np.full(8, 0.35))


def test_open_findings_count_in_all_and_not_among_the_decided(result: Result) -> None:
    assert result.evaluation.sensitivity.value == 0.5
    assert result.evaluation.specificity.value == 0.75
    assert result.decided is not None
    assert result.decided.sensitivity.value == pytest.approx(2 / 3)
    assert result.decided.specificity.value == pytest.approx(2 / 3)
    assert result.open_share.value == 0.25


def test_an_image_is_covered_if_it_is_right_or_open(result: Result) -> None:
    assert result.covered(True).value == 0.75
    assert result.covered(False).value == 0.75


def test_the_chosen_threshold_calls_others(result: Result) -> None:
    assert result.at_chosen is not None
    assert result.at_chosen.sensitivity.value == 0.75


def test_nothing_is_decided_where_all_of_a_class_is_open(result: Result) -> None:
    blind = Result(COVID, FOUND, result.thresholds, COVID, SOURCES, result.patients)
    assert blind.decided is None
    assert blind.at_chosen is None


def test_each_source_has_the_figures_that_it_has_images_for(result: Result) -> None:
    found = result.by_source()
    assert {name: (of.positives, of.negatives) for name, of in found.items()} == {
        "one": (2, 0),
        "both": (2, 2),
        "two": (0, 2),
    }
    assert (found["one"].specificity, found["one"].auc, found["two"].sensitivity) == (None, None, None)
    told = found["one"].sensitivity, found["both"].auc, found["two"].specificity
    assert [figure.value for figure in told if figure] == [1, 0.25, 1]


def test_some_images_can_be_judged_alone(result: Result) -> None:
    found = result.among(SOURCES == "two")
    assert (found.positives, found.negatives, found.sensitivity) == (0, 2, None)
    assert found.specificity is not None
    assert found.specificity.value == 1
