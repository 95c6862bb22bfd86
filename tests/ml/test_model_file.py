"""A model's file: what comes back, and what is refused."""

import dataclasses

import jax
import numpy as np
import pytest
import safetensors.numpy

from ml import heads
from ml.backbone import Backbone
from ml.model_file import METADATA, Model, ModelFileError, load, save

BACKBONE = Backbone("vgg16", "4412f7a6d207" + "0" * 52, "grey-stretch-224")


@pytest.fixture(scope="module")
def model() -> Model:
    head = heads.pack("B", heads.initialise(jax.random.key(0)))
    return Model(head, BACKBONE, threshold=0.4, seed=3, positives=10, negatives=20)


@pytest.fixture(scope="module")
def data(model: Model) -> bytes:
    return save(model)


def test_all_of_it_comes_back(model: Model, data: bytes) -> None:
    found = load(data)
    assert dataclasses.replace(found, head=model.head) == model
    assert found.head.name == "B"
    jax.tree.map(np.testing.assert_array_equal, found.head.params, model.head.params)
    assert found.name == model.name


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
    ],
)
def test_a_foreign_file_is_an_error(foreign: bytes) -> None:
    with pytest.raises(ModelFileError, match=r"no COVID-XR model|no model of this version"):
        load(foreign)
