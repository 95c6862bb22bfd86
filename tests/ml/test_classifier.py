"""What serving uses: padding that changes nothing, swaps that compile nothing, and what is left open."""

import dataclasses

import jax
import numpy as np
import pytest

from ml import chest, heads, image, novelty, recipes, vgg16
from ml import classifier as serving
from ml.classifier import BackboneMismatch, Classifier, FeatureExtractor, Judgement
from ml.image import Decoded
from ml.model_file import Model
from ml.orientation import ODD
from ml.recipes import Prepared
from ml.weights import Weights
from tests.feature_sets import CHESTS, WHOLES, lessons

LENGTHS_OF_ONE = 2e-4
"""How far float16 features may differ where sums were made in another order; the largest are 0.1."""


@pytest.fixture(scope="module")
def whole(weights: Weights) -> FeatureExtractor:
    """The paper's extractor."""
    return FeatureExtractor(weights, recipes.WHOLE)


def images(count: int, side: int = chest.SIDE) -> list[Prepared]:
    pixels = np.random.default_rng(0).random((count, side, side), np.float32)
    return [Prepared(one, (0.01 * number,)) for number, one in enumerate(pixels)]


# ------------------------------------------------------------------ features


def test_features_are_float16_in_the_order_of_the_images(extractor: FeatureExtractor) -> None:
    given = images(3)
    together = extractor.extract(given)
    assert together.shape == (3, recipes.CHEST.features)
    assert together.dtype == np.float16
    alone = extractor.extract(given[1:2])
    np.testing.assert_allclose(np.float32(alone[0]), np.float32(together[1]), atol=LENGTHS_OF_ONE)
    assert np.abs(np.float32(together[0]) - together[1]).max() > 10 * LENGTHS_OF_ONE


def test_what_was_measured_comes_after_the_networks_features(extractor: FeatureExtractor) -> None:
    features = extractor.extract(images(3))
    expected = np.asarray(
        vgg16.extract_chest(extractor._variables, np.array([one.pixels for one in images(3)]))
    )
    np.testing.assert_allclose(np.float32(features[:, : vgg16.CHEST_FEATURES]), expected, atol=LENGTHS_OF_ONE)
    assert features[:, -1].tolist() == np.float16([0, 0.01, 0.02]).tolist()


def test_the_papers_features_are_those_of_the_whole_picture(whole: FeatureExtractor) -> None:
    (given,) = images(1, vgg16.SIDE)
    features = whole.extract([given._replace(measures=())])
    assert features.shape == (1, vgg16.FEATURES)
    expected = np.asarray(vgg16.extract(whole._variables, given.pixels[None]))
    np.testing.assert_allclose(np.float32(features), expected, atol=0.02)


@pytest.mark.parametrize("which", ["extractor", "whole"])
def test_no_images_have_no_features(which: str, request: pytest.FixtureRequest) -> None:
    one: FeatureExtractor = request.getfixturevalue(which)
    assert one.extract([]).shape == (0, one.recipe.features)


def test_a_picture_is_prepared_by_the_recipe(extractor: FeatureExtractor, whole: FeatureExtractor) -> None:
    picture = Decoded(np.random.default_rng(0).random((90, 80), np.float32), "PNG", "image/png", 80, 90)
    np.testing.assert_array_equal(extractor.prepare(picture).pixels, chest.standardise(picture).pixels)
    np.testing.assert_array_equal(whole.prepare(picture).pixels, image.prepare(picture.pixels))


def test_the_name_tells_network_weights_and_preprocessing(
    extractor: FeatureExtractor, whole: FeatureExtractor, weights: Weights
) -> None:
    assert extractor.name == f"vgg16/{weights.sha256[:12]}/{chest.PREPROCESSING}"
    assert whole.name == f"vgg16/{weights.sha256[:12]}/{image.PREPROCESSING}"


def test_after_the_warm_up_no_batch_compiles(weights: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    own = FeatureExtractor(weights)
    own.warm_up()
    monkeypatch.setattr(jax, "jit", lambda *_: pytest.fail("compiled again"))
    for count in (1, 2, 3, 5, 8, 9):
        assert len(own.extract(images(count))) == count


# ------------------------------------------------------------------ probabilities


def linear(seed: int = 0, band: tuple[float, float] | None = None) -> Model:
    """A head D whose probabilities of `features` are spread around one half."""
    kernel = np.random.default_rng(seed).normal(0, 1, (vgg16.CHEST_FEATURES, 1))
    head = heads.pack("D", {"linear": {"kernel": kernel, "bias": np.zeros(1)}})
    return Model(head, CHESTS, threshold=0.5, seed=seed, positives=1, negatives=1, band=band)


def perceptron(seed: int = 0, name: heads.HeadName = "C") -> Model:
    head = heads.pack(name, heads.initialise(jax.random.key(seed)))
    return Model(head, WHOLES, threshold=0.5, seed=seed, positives=1, negatives=1)


def features(count: int, width: int = recipes.CHEST.features) -> np.ndarray:
    rows = np.random.default_rng(0).random((count, width))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float16)


def test_swapping_the_head_compiles_nothing() -> None:
    given = features(3)
    before = Classifier(linear(), CHESTS).predict(given)
    compiled = heads.probability._cache_size()  # type: ignore[attr-defined]
    after = Classifier(linear(seed=1), CHESTS).predict(given)
    assert heads.probability._cache_size() == compiled  # type: ignore[attr-defined]
    assert not np.allclose(before, after)


def test_swapping_the_papers_heads_compiles_nothing() -> None:
    given = features(3, vgg16.FEATURES) * 50
    before = Classifier(perceptron(), WHOLES).predict(given)
    compiled = heads.probability._cache_size()  # type: ignore[attr-defined]
    after = Classifier(perceptron(seed=1, name="A"), WHOLES).predict(given)
    assert heads.probability._cache_size() == compiled  # type: ignore[attr-defined]
    assert not np.allclose(before, after)


@pytest.mark.parametrize(("model", "width"), [(linear(), 7681), (perceptron(), 25_088)], ids=["D", "C"])
def test_any_number_of_features_is_predicted(model: Model, width: int) -> None:
    given = features(300, width)
    classifier = Classifier(model, model.backbone)
    probabilities = classifier.predict(given)
    assert probabilities.shape == (300,)
    assert probabilities.dtype == np.float32
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    np.testing.assert_allclose(probabilities[260:263], classifier.predict(given[260:263]), atol=1e-5)
    assert classifier.predict(given[:0]).shape == (0,)


def test_any_number_of_images_is_warm() -> None:
    classifier = Classifier(linear(), CHESTS)
    classifier.warm_up()
    programs = (heads.probability, serving._widened)
    compiled = [program._cache_size() for program in programs]  # type: ignore[attr-defined]
    for count in (1, 2, 7, 16, 17, 64, 200):
        classifier.judge(features(count))
    assert [program._cache_size() for program in programs] == compiled  # type: ignore[attr-defined]


def test_a_model_of_another_backbone_is_an_error() -> None:
    other = dataclasses.replace(CHESTS, preprocessing="another")
    with pytest.raises(BackboneMismatch, match="another"):
        Classifier(linear(), other)


# ------------------------------------------------------------------ judgements


def test_a_finding_is_what_the_threshold_says() -> None:
    given = features(20)
    classifier = Classifier(linear(), CHESTS)
    probabilities = classifier.predict(given).tolist()
    assert classifier.judge(given) == [Judgement(one, one >= 0.5) for one in probabilities]
    assert len({one >= 0.5 for one in probabilities}) == 2


def test_within_the_band_there_is_a_probability_and_no_finding() -> None:
    given = features(20)
    probabilities = Classifier(linear(), CHESTS).predict(given)
    low, high = np.sort(probabilities)[[5, 14]].tolist()
    judgements = Classifier(linear(band=(low, high)), CHESTS).judge(given)
    assert [one.probability for one in judgements] == probabilities.tolist()
    for one in judgements:
        inside = low <= one.probability <= high
        assert (one.covid, one.abstained) == (
            (None, "UNCERTAIN") if inside else (one.probability >= 0.5, None)
        )
    assert sum(one.covid is None for one in judgements) == 10


def test_of_no_images_nothing_is_said() -> None:
    assert Classifier(linear(), CHESTS).judge(features(0)) == []


@pytest.mark.parametrize("before", [None, "NOT_A_CHEST_XRAY", "UNCERTAIN"])
def test_of_a_film_in_a_view_that_no_model_knows_nothing_is_found(before: str | None) -> None:
    judgement = Judgement(0.9, None if before else True, before)
    for odd in ODD:
        assert judgement.seen_as(odd) == Judgement(0.9, None, "OUT_OF_DISTRIBUTION")
    for usual in ("FRONTAL", None):
        assert judgement.seen_as(usual) == judgement


def test_how_far_a_picture_lies_is_told_of_each() -> None:
    chests = lessons(200)
    known = novelty.fit(chests.features, chests.groups.tolist())
    given = features(20)
    given[3] = np.nan
    judged = Classifier(dataclasses.replace(linear(), novelty=known), CHESTS).judge(given)
    scores = known.scores(given).tolist()
    assert [one.distance for one in judged] == [
        None if row == 3 else score for row, score in enumerate(scores)
    ]
    assert judged[3].abstained == "NOT_A_CHEST_XRAY"
    assert {one.distance for one in Classifier(linear(), CHESTS).judge(given)} == {None}
