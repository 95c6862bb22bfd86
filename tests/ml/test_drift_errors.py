"""A made-up year of hourly looks: what changes is warned of once, soon after; what stays is not."""

import numpy as np
import pytest

from benchmarks.drift_errors import Images, Moved, drawn, figures, warnings, windows
from ml.drift import NAMES, Sample


@pytest.fixture
def real() -> Images:
    """A holdout of a hundred images."""
    generator = np.random.default_rng(0)
    found = np.arange(100) % 10 > 0
    said, far = generator.beta(0.3, 0.7, 100), generator.normal(0, 1, 100)
    return Images(np.zeros(100), ~found, said, far, found, found & (np.arange(100) % 20 > 1))


def year(real: Images, moved: Moved) -> dict[str, list[float]]:
    generator = np.random.default_rng(1)
    reference = figures(drawn(real, 330, Moved(""), generator))
    return dict(warnings(reference, drawn(real, 300 * 12, moved, generator, 0.5)))


def test_what_changes_is_told_once_and_soon(real: Images) -> None:
    told = year(real, Moved("", 0.4, 0.5, 3.0, -0.4, since=90))
    assert set(told) == set(NAMES)
    for days in told.values():
        assert len(days) == 1
        assert 90 < days[0] < 120


def test_nothing_is_told_of_nothing(real: Images) -> None:
    assert not any(year(real, Moved("")).values())


def test_a_window_is_of_the_images_within_it(real: Images) -> None:
    images = drawn(real, 500, Moved(""), np.random.default_rng(2))
    (month,) = windows(images, np.array([100]), np.array([300]))
    assert (month.images, month.labelled) == (200, images.labelled[100:300].sum())
    expected = Sample.of(images.distance[100:300])
    assert (month.distance.mean, month.distance.deviation) == pytest.approx(
        (expected.mean, expected.deviation)
    )
