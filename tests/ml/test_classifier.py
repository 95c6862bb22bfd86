"""What serving uses: padding that changes nothing, and swaps that compile nothing."""

import dataclasses

import jax
import numpy as np
import pytest

from ml import heads, vgg16
from ml.classifier import BackboneMismatch, Classifier, FeatureExtractor
from ml.image import PREPROCESSING
from ml.model_file import Model
from ml.weights import Weights


def model(extractor: FeatureExtractor, seed: int = 0, name: heads.HeadName = "C") -> Model:
    head = heads.pack(name, heads.initialise(jax.random.key(seed)))
    return Model(head, extractor.backbone, threshold=0.5, seed=seed, positives=1, negatives=1)


def images(count: int) -> np.ndarray:
    return np.random.default_rng(0).random((count, 224, 224), np.float32)


def test_features_are_float16_in_the_order_of_the_images(extractor: FeatureExtractor) -> None:
    together = extractor.extract(list(images(3)))
    assert together.shape == (3, vgg16.FEATURES)
    assert together.dtype == np.float16
    alone = extractor.extract(images(3)[1:2])
    np.testing.assert_allclose(np.float32(alone[0]), np.float32(together[1]), atol=0.02)
    assert extractor.extract([]).shape == (0, vgg16.FEATURES)


def test_the_name_tells_network_weights_and_preprocessing(
    extractor: FeatureExtractor, weights: Weights
) -> None:
    assert extractor.name == f"vgg16/{weights.sha256[:12]}/{PREPROCESSING}"


def test_after_the_warm_up_no_batch_compiles(extractor: FeatureExtractor) -> None:
    extractor.warm_up()
    compiled = vgg16.extract._cache_size()  # type: ignore[attr-defined]
    for count in (1, 2, 3, 5, 8, 9):
        assert len(extractor.extract(images(count))) == count
    assert vgg16.extract._cache_size() == compiled  # type: ignore[attr-defined]


def test_swapping_the_head_compiles_nothing(extractor: FeatureExtractor) -> None:
    features = extractor.extract(images(3))
    before = Classifier(model(extractor), extractor.backbone).predict(features)
    compiled = heads.probability._cache_size()  # type: ignore[attr-defined]
    after = Classifier(model(extractor, seed=1, name="A"), extractor.backbone).predict(features)
    assert heads.probability._cache_size() == compiled  # type: ignore[attr-defined]
    assert not np.allclose(before, after)


def test_any_number_of_features_is_predicted(extractor: FeatureExtractor) -> None:
    features = np.random.default_rng(0).random((300, vgg16.FEATURES)).astype(np.float16)
    classifier = Classifier(model(extractor), extractor.backbone)
    probabilities = classifier.predict(features)
    assert probabilities.shape == (300,)
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    np.testing.assert_allclose(probabilities[260:263], classifier.predict(features[260:263]), atol=1e-5)
    assert classifier.predict(features[:0]).shape == (0,)


def test_a_model_of_another_backbone_is_an_error(extractor: FeatureExtractor) -> None:
    other = dataclasses.replace(extractor.backbone, preprocessing="another")
    with pytest.raises(BackboneMismatch, match="another"):
        Classifier(model(extractor), other)
