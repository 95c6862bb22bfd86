"""What is said of a signal: how much, of how many, and what it may mean."""

from dataclasses import replace

import pytest

from ml.drift import Figures, Sample, compare
from services import drift_words
from tests.drifting import REFERENCE


def month(**changes: object) -> Figures:
    return replace(REFERENCE, images=200, abstained={"UNCERTAIN": 20}, labelled=180, agreed=171, **changes)


def said(name: str, figures: Figures, reference: Figures | None = REFERENCE) -> str:
    (signal,) = (one for one in compare(reference, figures) if one.name == name)
    return drift_words.sentence(signal, reference, figures)


def test_more_abstentions_are_told_with_the_reason_that_grew() -> None:
    figures = replace(month(), abstained={"UNCERTAIN": 22, "OUT_OF_DISTRIBUTION": 60})
    assert said("ABSTENTIONS", figures) == (
        "The model gave no finding on 41 % of 200 images of the last 30 days, and on 10 % of the 400 that "
        "judged it: a difference of +31 (99 % interval +21 to +41), beyond the margin of 5 percentage "
        "points. More films are unlike those that it learned from, or turned or lateral: perhaps of "
        "another device, or of other patients."
    )
    assert "band" in said("ABSTENTIONS", replace(month(), abstained={"UNCERTAIN": 80}))


def test_another_probability_may_be_other_patients() -> None:
    higher = said("PROBABILITY", month(probability=Sample(200, 0.55, 0.3)))
    assert higher.startswith(
        "The mean probability of COVID was 0.55 on 200 images of the last 30 days, and 0.30 on those that "
        "judged the model: a difference of +0.25 (99 % interval +0.18 to +0.32), beyond the margin of 0.10. "
        "Perhaps more of the patients have COVID"
    )
    lower = said("PROBABILITY", month(probability=Sample(200, 0.05, 0.1)))
    assert "Perhaps fewer of the patients have COVID" in lower


def test_no_sure_difference_is_called_none() -> None:
    assert said("ABSTENTIONS", month()).endswith("not surely beyond the margin of 5 percentage points.")
    assert said("DISTANCE", month()).endswith("not surely beyond the margin of 0.50.")


def test_what_cannot_be_compared_says_why() -> None:
    assert said("AGREEMENT", month(), None) == drift_words.UNKNOWN
    assert said("AGREEMENT", replace(month(), labelled=7, agreed=7)) == (
        "Images of the last 30 days with a finding and a label: 7. These are too few to compare, 50 are "
        "needed."
    )
    paper = replace(REFERENCE, distance=Sample())
    assert said("DISTANCE", month(distance=Sample()), paper) == drift_words.NO_DISTANCE
    small = replace(REFERENCE, images=12)
    assert said("ABSTENTIONS", month(), small).startswith("Fewer than 50 images judged this version:")
    few = replace(REFERENCE, labelled=45, agreed=40)
    told = said("AGREEMENT", replace(month(), labelled=80, agreed=70), few)
    assert told.startswith("Fewer than 50 images judged this version and have a finding:")


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("name", ["ABSTENTIONS", "PROBABILITY", "DISTANCE", "AGREEMENT"])
def test_a_difference_to_either_side_has_a_meaning_and_fits_its_row(name: str, side: int) -> None:
    base = replace(REFERENCE, abstained={"UNCERTAIN": 200}, agreed=180)
    changed = {
        "abstained": {"UNCERTAIN": 100 + side * 90},
        "probability": Sample(200, 0.3 + side * 0.25, 0.1),
        "distance": Sample(200, side * 3.0, 1.0),
        "agreed": 90 + side * 80,
    }
    words = said(name, replace(month(), **changed), base)
    assert "beyond the margin" in words
    assert not words.endswith(("points.", "0.10.", "0.50."))
    assert len(words) < 600
