"""A model's file: what comes back, and what is refused."""

import dataclasses

import jax
import numpy as np
import pytest
import safetensors.numpy

from ml import chest, heads, novelty, recipes
from ml.array_file import METADATA
from ml.backbone import Backbone
from ml.making import Images, teach
from ml.model_file import Model, ModelFileError, load, save
from ml.recipes import UnknownRecipe
from ml.training import TrainingConfig
from ml.vgg16 import CHEST_FEATURES

BACKBONE = Backbone("vgg16", "4412f7a6d207" + "0" * 52, "grey-stretch-224")


@pytest.fixture(scope="module")
def model() -> Model:
    head = heads.pack("B", heads.initialise(jax.random.key(0)))
    return Model(head, BACKBONE, threshold=0.4, seed=3, positives=10, negatives=20)


def linear() -> Model:
    """A model with all that head D brings."""
    kernel = np.random.default_rng(0).normal(0, 1, (CHEST_FEATURES, 1))
    head = heads.pack("D", {"linear": {"kernel": kernel, "bias": np.zeros(1)}})
    return Model(
        head,
        Backbone("vgg16", "4412f7a6d207" + "0" * 52, chest.PREPROCESSING),
        threshold=0.3,
        seed=0,
        positives=10,
        negatives=20,
        calibration="Platt's scaling",
        band=(0.1234567890123456, 0.75),
        error=0.1,
    )


@pytest.fixture(scope="module")
def data(model: Model) -> bytes:
    return save(model)


def test_all_of_it_comes_back(model: Model, data: bytes) -> None:
    found = load(data)
    assert dataclasses.replace(found, head=model.head) == model
    assert found.head.name == "B"
    jax.tree.map(np.testing.assert_array_equal, found.head.params, model.head.params)
    assert found.name == model.name


def test_head_d_comes_back_with_its_calibration_and_its_band() -> None:
    model = linear()
    found = load(save(model))
    assert dataclasses.replace(found, head=model.head) == model
    assert found.head.params["linear"]["kernel"].dtype == np.float32
    jax.tree.map(np.testing.assert_array_equal, found.head.params, model.head.params)
    assert save(found) == save(model)


def test_a_finding_is_left_open_within_the_band_alone() -> None:
    probabilities = np.array([0.0, 0.1234, 0.13, 0.3, 0.75, 0.7501, 1.0])
    assert linear().leaves_open(probabilities).tolist() == [False, False, True, True, True, False, False]


def test_a_model_without_a_band_leaves_nothing_open(model: Model) -> None:
    assert model.leaves_open(np.linspace(0, 1, 5)).tolist() == [False] * 5


def test_a_head_of_another_number_format_is_no_model_of_this_version() -> None:
    model = linear()
    halved = jax.tree.map(np.float16, dict(model.head.params))
    with pytest.raises(ModelFileError, match="no model of this version"):
        load(save(dataclasses.replace(model, head=heads.Head("D", halved))))


def test_the_same_model_gives_the_same_bytes(model: Model, data: bytes) -> None:
    assert save(load(data)) == data


def test_the_name_changes_with_the_parameters(model: Model) -> None:
    other = heads.pack("B", heads.initialise(jax.random.key(1)))
    assert model.name.startswith("B-")
    assert dataclasses.replace(model, head=other).name != model.name


def test_a_changed_number_is_an_error(data: bytes) -> None:
    with pytest.raises(ModelFileError, match="damaged"):
        load(data[:-1] + bytes([data[-1] ^ 1]))


@pytest.mark.parametrize("length", [0, 5, 100, 1000, -1])
def test_a_truncated_file_is_an_error(data: bytes, length: int) -> None:
    with pytest.raises(ModelFileError, match="cut short"):
        load(data[:length])


@pytest.mark.parametrize(
    "foreign",
    [
        b"not a model at all, but longer than eight bytes",
        safetensors.numpy.save({"a": np.zeros(3)}),
        safetensors.numpy.save({"a": np.zeros(3)}, {METADATA: "{}"}),
        safetensors.numpy.save({"a": np.zeros(3)}, {METADATA: "[1]"}),
        safetensors.numpy.save({"a": np.zeros(3)}, {METADATA: '{"format": "covid-xr model 1", "head": "A"}'}),
        safetensors.numpy.save({"a": np.zeros(3)}, {METADATA: '{"format": "covid-xr model 2", "head": "A"}'}),
        safetensors.numpy.save({"a": np.zeros(3)}, {METADATA: '{"format": "covid-xr model 2", "head": "E"}'}),
    ],
)
def test_a_foreign_file_is_an_error(foreign: bytes) -> None:
    with pytest.raises(ModelFileError, match=r"no COVID-XR model|no model of this version"):
        load(foreign)


@pytest.mark.parametrize("network", ["resnet50", "inceptionv3", "mobilenetv2"])
def test_a_model_of_another_network_is_as_wide_as_its_features(network: str) -> None:
    recipe = recipes.CHESTS[network]
    images = Images(chests(recipe.features), np.arange(160) % 3 == 0, np.arange(160).astype(str))
    model = teach(images, recipe.backbone("b" * 64), TrainingConfig(head="D", epochs=1))
    found = load(save(model))
    assert heads.inputs(found.head) == recipe.of_network
    assert found.novelty.centre.shape == (recipe.of_network,)
    assert found.backbone.name == f"{network}/{'b' * 12}/{chest.PREPROCESSING}"
    other = next(kind for name, kind in recipes.CHESTS.items() if name != network)
    with pytest.raises(ModelFileError, match="no model of this version"):
        load(save(dataclasses.replace(model, backbone=other.backbone("b" * 64))))


def chests(width: int) -> np.ndarray:
    """Made-up features (160, width)."""
    return np.random.default_rng(0).random((160, width)).astype(np.float16) / 50


def test_a_novelty_of_other_features_than_the_heads_is_refused() -> None:
    model = linear()
    other = novelty.fit(chests(CHEST_FEATURES), np.arange(160).astype(str).tolist())
    with pytest.raises(ModelFileError, match="of other features than its head"):
        load(save(dataclasses.replace(model, novelty=other)))


def test_features_that_this_version_cannot_make_are_named(model: Model) -> None:
    with pytest.raises(UnknownRecipe, match="densenet"):
        load(save(dataclasses.replace(model, backbone=Backbone("densenet", "a" * 64, chest.PREPROCESSING))))
