"""Making a model: what each head is taught, and how head D's word is made a frequency."""

import dataclasses

import numpy as np
import pytest

from ml import calibration, heads, making, model_file
from ml.evaluation import calibration_error
from ml.making import Images, examine, images_of, probabilities, teach
from ml.model_file import Model
from ml.runner import OnEpoch
from ml.training import TrainingConfig
from ml.vgg16 import FEATURES
from tests.feature_sets import CHESTS, WHOLES, base_set, chest_features, lessons

D = TrainingConfig(head="D", epochs=10)


def weak(count: int = 180, seed: int = 0) -> Images:
    """Images that features tell apart in part."""
    return lessons(count, seed, skill=0.2)


def test_the_papers_heads_are_taken_as_they_are() -> None:
    covid = np.arange(12) % 2 == 0
    features = np.random.default_rng(0).random((12, FEATURES)).astype(np.float16)
    images = Images(features, covid, np.arange(12).astype(str))
    model = teach(images, WHOLES, TrainingConfig(head="A", epochs=1, seed=3))
    assert (model.head.name, model.seed, model.positives, model.negatives) == ("A", 3, 6, 6)
    assert (model.threshold, model.calibration, model.band, model.error) == (0.5, None, None, None)


def test_head_d_is_calibrated_and_knows_its_band() -> None:
    images = weak()
    model = teach(images, CHESTS, D)
    assert model.head.name == "D"
    assert model.backbone == CHESTS
    assert (model.positives, model.negatives) == (int(images.covid.sum()), int((~images.covid).sum()))
    assert model.calibration == "Platt's scaling, cross-fitted in 5 folds by patient"
    assert model.error == calibration.ERROR
    assert model.band is not None
    assert 0 < model.band[0] <= model.threshold <= model.band[1] < 1


def test_its_probabilities_are_platts_of_its_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line is found on scores of cross-fitting and applied to those of the head that all taught."""
    lines: list[calibration.Platt] = []
    platt = calibration.platt
    monkeypatch.setattr(calibration, "platt", lambda *given: lines.append(platt(*given)) or lines[-1])
    images, new = weak(), weak(seed=1)
    calibrated = teach(images, CHESTS, D)
    monkeypatch.setattr(calibration, "platt", lambda *given: calibration.Platt(1.0, 0.0))
    bare = teach(images, CHESTS, D)
    scores = np.asarray(heads.log_odds(bare.head.params, np.float32(new.features)))
    expected = lines[0].probability(scores)
    np.testing.assert_allclose(probabilities(calibrated.head, new.features), expected, atol=2e-4)
    assert abs(lines[0].slope - 1) > 0.05, "the line is one that matters"


@pytest.fixture(scope="module")
def learned() -> Model:
    """A model of 600 images."""
    return teach(lessons(600, skill=0.3), CHESTS, D)


@pytest.fixture(scope="module")
def new() -> Images:
    """1,200 other images of the same kind."""
    return lessons(1200, seed=5, skill=0.3)


def test_new_images_have_the_frequencies_that_it_says(learned: Model, new: Images) -> None:
    """To 0.05 in the mean; without calibration it is 0.15."""
    said = probabilities(learned.head, new.features)
    assert calibration_error(new.covid, said) < 0.05
    assert said.std() > 0.2


def test_outside_the_band_new_images_are_called_wrongly_as_rarely_as_promised(
    learned: Model, new: Images
) -> None:
    """In a tenth of either class, with deviations of 0.03 and 0.02, those of the band included."""
    said = probabilities(learned.head, new.features)
    wrong = ~learned.leaves_open(said) & ((said >= learned.threshold) != new.covid)
    assert 0.03 < wrong[new.covid].mean() < 0.17
    assert 0.05 < wrong[~new.covid].mean() < 0.15
    assert 0.02 < learned.leaves_open(said).mean() < 0.2


def test_the_threshold_is_never_beyond_the_band(monkeypatch: pytest.MonkeyPatch) -> None:
    """There a finding would be what the band rules out."""
    for band, end in (((0.8, 0.9), 0), ((0.01, 0.02), 1)):
        monkeypatch.setattr(calibration, "open_band", lambda *given, band=band: band)
        model = teach(weak(60), CHESTS, dataclasses.replace(D, epochs=2))
        assert model.band == band
        assert model.threshold == band[end]


def test_the_threshold_is_where_calibrated_findings_are_worth_most(learned: Model, new: Images) -> None:
    """Sensitivity and specificity together: the best that could be looked for among the images."""
    said = probabilities(learned.head, new.features)

    def worth(threshold: float) -> float:
        called = said >= threshold
        return float(called[new.covid].mean() + (~called)[~new.covid].mean())

    best = calibration.best_threshold(said, new.covid)
    assert worth(learned.threshold) > worth(best) - 0.03
    assert learned.threshold == pytest.approx(learned.positives / (learned.positives + learned.negatives))


def test_no_score_is_of_a_head_that_saw_the_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    images = weak(60)
    chosen: list[np.ndarray] = []
    converge = making._converge

    def watched(course: making.Course, used: np.ndarray, *rest: OnEpoch) -> object:
        chosen.append(used.astype(bool))
        return converge(course, used, *rest)

    monkeypatch.setattr(making, "_converge", watched)
    teach(images, CHESTS, dataclasses.replace(D, epochs=1))
    everyone, *folds = chosen
    assert everyone.all()
    assert len(folds) == making.FOLDS
    assert np.sum([~used for used in folds], axis=0).tolist() == [1] * 60
    for used in folds:
        assert not set(images.groups[used]) & set(images.groups[~used])


@pytest.mark.parametrize(("covid_patients", "folds"), [(1, None), (2, 2), (4, 4), (9, 5)])
def test_there_are_no_more_folds_than_patients(covid_patients: int, folds: int | None) -> None:
    covid = np.arange(20) < covid_patients
    images = Images(chest_features(covid), covid, np.arange(20).astype(str))
    model = teach(images, CHESTS, dataclasses.replace(D, epochs=2))
    if folds is None:
        assert (model.calibration, model.band, model.threshold) == (None, None, 0.5)
    else:
        assert f"in {folds} folds" in str(model.calibration)


def test_the_same_images_give_the_same_bytes_whatever_the_seed() -> None:
    first, again, other = (
        teach(weak(60), CHESTS, dataclasses.replace(D, epochs=3, seed=seed)) for seed in (1, 1, 2)
    )
    assert model_file.save(first) == model_file.save(again)
    assert other.name == first.name


def test_each_epoch_is_told_with_its_loss() -> None:
    heard: list[tuple[int, float]] = []
    teach(weak(60), CHESTS, dataclasses.replace(D, epochs=3), lambda *news: heard.append(news))
    assert [epoch for epoch, _ in heard] == [1, 2, 3], "cross-fitting is not heard"
    assert heard[-1][1] <= heard[0][1]


def test_what_is_judged_was_held_out() -> None:
    labels = ["covid", "covid", "no_finding", "no_finding", "pneumonia", "pneumonia"] * 20
    base = base_set(labels, chest_features(np.array(labels) == "covid", skill=0.8))
    model = teach(images_of(base)[~base.holdout], CHESTS, D)
    found = examine(model, base)
    assert found.positives == int((base.covid & base.holdout).sum())
    assert found.negatives == int((~base.covid & base.holdout).sum())
    assert found.threshold == model.threshold
    assert found.auc.value > 0.95


def test_of_whole_pictures_head_d_does_not_know_which_show_no_chest() -> None:
    chests = weak()
    wider = np.zeros((len(chests.covid), FEATURES), np.float16)
    wider[:, : chests.features.shape[1]] = chests.features
    model = teach(dataclasses.replace(chests, features=wider), WHOLES, dataclasses.replace(D, epochs=1))
    assert (model.backbone, heads.inputs(model.head)) == (WHOLES, FEATURES)
    assert model.band is not None, "they are enough to be calibrated"
    assert model.novelty is None
    assert teach(chests, CHESTS, dataclasses.replace(D, epochs=1)).novelty is not None


def off_the_chests(count: int, seed: int) -> np.ndarray:
    """Features of photographs: vectors of length 1 that have little in common with those of chests."""
    photographs = chest_features(np.zeros(count, bool), seed)
    photographs[:, :-1] = photographs[:, -2::-1]
    photographs[:, :4000] *= 3
    photographs[:, -1] = 0.2
    return photographs


def alike(images: Images, seed: int) -> Images:
    """The images, differing as real chests do: along the same few directions more than along all others."""
    directions = np.random.default_rng(99).normal(size=(20, images.features.shape[1] - 1))
    along = np.random.default_rng([7, seed]).normal(0, 0.004, (len(images.covid), 20))
    features = images.features.astype(np.float32)
    features[:, :-1] += along @ directions
    return dataclasses.replace(images, features=features.astype(np.float16))


def test_thirty_labelled_photographs_make_no_photograph_acceptable() -> None:
    chests = alike(weak(300), 1)
    known = teach(chests, CHESTS, D).novelty
    assert known is not None
    labelled = Images(
        np.concatenate([chests.features, off_the_chests(30, 1)]),
        np.concatenate([chests.covid, np.arange(30) % 2 == 0]),
        np.concatenate([chests.groups, np.arange(30).astype(str)]),
    )
    kept, moved = (teach(labelled, CHESTS, D, known=given).novelty for given in (known, None))
    assert kept is not None
    assert moved is not None
    photographs = off_the_chests(40, 2)
    assert None in moved.reasons(photographs), "had all been learned from, some would be taken"
    assert set(kept.reasons(photographs)) == {"NOT_A_CHEST_XRAY"}
    others = alike(weak(300, 5), 2).features
    np.testing.assert_allclose(kept.scores(others), known.scores(others), atol=0.05)


def test_where_no_image_is_taken_for_a_chest_what_was_known_stays() -> None:
    known = teach(weak(300), CHESTS, D).novelty
    covid = np.arange(60) % 2 == 0
    photographs = Images(off_the_chests(60, 1), covid, np.arange(60).astype(str))
    assert teach(photographs, CHESTS, D, known=known).novelty is known
