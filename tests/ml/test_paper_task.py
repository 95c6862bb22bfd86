"""What `benchmarks.paper_task` compares: heads judge strangers alone, on features that are what they say."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import paper_task
from benchmarks.paper_task import Films, figures, outranked, told, whole
from ml.classifier import FeatureExtractor
from ml.image import Decoded
from ml.recipes import WHOLE
from ml.weights import Weights


@pytest.fixture(scope="module")
def films() -> Films:
    """Sixty films, a third with COVID, two of each patient."""
    return Films(np.arange(60) // 2 % 3 == 0, np.array([f"p{row // 2}" for row in range(60)]))


def test_a_head_tells_what_strangers_show(films: Films) -> None:
    """The first feature tells COVID; with the others alone, which tell the film, a head knows nothing new."""
    marks = np.eye(60)
    clear = np.hstack([2.0 * films.covid[:, None], marks])
    assert figures(told(clear, films, 300, 0), films.covid)["auc"].value == 1
    assert figures(told(marks, films, 300, 0), films.covid)["auc"].value < 0.7


def test_no_patient_judges_a_head_that_it_taught(films: Films, monkeypatch: pytest.MonkeyPatch) -> None:
    taught: list[set[str]] = []

    def remembered(features: np.ndarray, *_: object) -> np.ndarray:
        taught.append(set(films.patients[features[:, 0].astype(int)]))
        return np.zeros(2)

    monkeypatch.setattr(paper_task, "fitted", remembered)
    told(np.arange(60.0)[:, None], films, 300, 0)
    assert len(taught) == paper_task.FOLDS
    for patients, fold in zip(taught, films.folds(0), strict=True):
        assert patients == set(films.patients) - set(films.patients[fold])


def test_a_film_is_outranked_by_those_that_are_told_likelier() -> None:
    covid = np.array([True, True, False, False, False, False])
    shares = outranked(np.array([5.0, 2.0, 1.0, 2.0, 3.0, 4.0]), covid)
    assert shares.tolist() == [0, 0.5]


def test_features_are_of_the_block_at_the_size(weights: Weights) -> None:
    picture = Decoded(np.random.default_rng(0).random((90, 100), np.float32), "PNG", "image/png", 100, 90)

    def seen(recipe: paper_task.Recipe) -> np.ndarray:
        extractor = FeatureExtractor(weights, recipe)
        return extractor.extract([extractor.prepare(picture)])

    papers = seen(WHOLE).astype(np.float32)
    np.testing.assert_allclose(seen(whole(224, 5)), papers, atol=0.01 * papers.max())
    assert seen(whole(64, 4)).shape == (1, 4 * 4 * 512)
    assert seen(whole(64, 5)).shape == (1, 2 * 2 * 512)
