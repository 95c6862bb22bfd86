"""What is found is what a search of every place finds."""

import numpy as np
import pytest

from ml.image import Pixels
from ml.matching import INVERTED, MARGIN, Searched, Template, local_contrast, resized


def picture(seed: int, height: int, width: int) -> Pixels:
    return np.random.default_rng(seed).random((height, width), np.float32)


def slowly(small: Pixels, template: Pixels, prior: float) -> list[tuple[float, int, int]]:
    """The best score and its place, as it is and in negative, by the correlation of each window."""
    searched = local_contrast(np.pad(small, MARGIN, mode="edge"), 12, 0.3).astype(np.float64)
    scaled, (h, w) = (template - template.mean()) / template.std(), template.shape
    found = []
    for sign, less in ((1, 0.0), (-1, INVERTED)):
        scores = {}
        for top in range(searched.shape[0] - h + 1):
            for left in range(searched.shape[1] - w + 1):
                window = searched[top : top + h, left : left + w]
                likeness = sign * (window * scaled).mean() / np.sqrt(max(window.var(), 1e-3))
                x, y = left - MARGIN, top - MARGIN
                across = ((x + w / 2) / small.shape[1] - 0.5) ** 2
                down = ((y + h / 2) / small.shape[0] - 0.47) ** 2
                scores[likeness - prior - across - 0.6 * down - less] = x, y
        found.append((max(scores), *scores[max(scores)]))
    return found


@pytest.mark.parametrize(("height", "width"), [(40, 33), (32, 48)])
def test_a_template_is_found_where_a_search_of_every_place_finds_it(height: int, width: int) -> None:
    small = picture(1, height, width)
    searched = Searched.of(small)
    sizes, priors = [(20, 24), (33, 17), (width + 2 * MARGIN, height + 2 * MARGIN)], [0.0, 0.1, 0.2]
    original = picture(2, 30, 30)
    templates = [Template.of(original, w, h, searched.padded) for w, h in sizes]
    matches = list(searched.matches(templates, priors))
    assert [match.inverted for match in matches] == [False, True] * len(sizes)
    expected = [
        one
        for (w, h), prior in zip(sizes, priors, strict=True)
        for one in slowly(small, resized(original, w, h), prior)
    ]
    for match, (score, x, y) in zip(matches, expected, strict=True):
        assert match.score == pytest.approx(score, abs=1e-5)
        assert (match.box.x, match.box.y) == (x, y)


def test_an_even_picture_has_no_contrast() -> None:
    for value in (0.0, 0.3, 1.0):
        even = local_contrast(np.full((60, 50), value, np.float32), 12, 0.3)
        np.testing.assert_allclose(even, 0, atol=1e-3)
