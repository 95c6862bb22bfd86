"""Where the lungs are taken to lie, and what share of heat lies there."""

import numpy as np
import pytest

from ml import lungs
from ml.chest import Box
from ml.recipes import WHOLE_PICTURE as WHOLE


def test_the_lung_fields_are_two_and_mirror_each_other_roughly() -> None:
    fields = lungs.lung_fields()
    assert 0.35 < fields.mean() < 0.55
    assert not fields[:, 60:68].any()
    assert not fields[-8:].any()
    assert (fields == fields[:, ::-1]).mean() > 0.9


@pytest.mark.parametrize(
    ("place", "share"), [((10, 4), 1.0), ((10, 15), 1.0), ((10, 10), 0.0), ((19, 5), 0.0), ((0, 0), 0.0)]
)
def test_heat_in_a_lung_counts_and_heat_elsewhere_does_not(place: tuple[int, int], share: float) -> None:
    heat = np.zeros((20, 20), np.float32)
    heat[place] = 3
    assert lungs.share_within(heat, WHOLE, WHOLE) == share


def test_even_heat_has_the_share_of_the_area() -> None:
    even = np.ones((20, 20), np.float32)
    assert lungs.share_within(even, WHOLE, WHOLE) == pytest.approx(lungs.lung_fields().mean(), abs=0.02)


def test_the_lungs_are_where_the_chest_was_found_and_not_beyond_it() -> None:
    even = np.ones((14, 14), np.float32)
    share = lungs.lung_fields().mean()
    quarter = Box(0.25, 0.5, 0.5, 0.5)
    assert lungs.share_within(even, WHOLE, quarter) == pytest.approx(share / 4, abs=0.02)
    assert lungs.share_within(even, quarter, quarter) == pytest.approx(share, abs=0.02)
    assert lungs.share_within(even, WHOLE, Box(1.5, 0, 1, 1)) == 0


def test_no_heat_has_no_share() -> None:
    assert np.isnan(lungs.share_within(np.zeros((20, 20), np.float32), WHOLE, WHOLE))


def test_a_pictures_pixels_lie_in_the_lungs_of_the_chest_that_was_found() -> None:
    inside = lungs.inside((200, 100), Box(0.5, 0.25, 0.5, 0.5))
    assert inside.shape == (200, 100)
    assert inside[50:150, 50:].sum() == inside.sum()
    assert inside.sum() / (100 * 50) == pytest.approx(lungs.lung_fields().mean(), abs=0.02)
    assert inside[100, 60]
    assert not inside[100, 75]
