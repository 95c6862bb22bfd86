"""Weights of Keras's networks: the same from every kind of file, and refused where they are another's."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml import keras_networks, keras_weights
from ml.keras_weights import load, load_file, random_weights
from ml.weights import Weights, WeightsError, write

SMALLEST = "mobilenetv2"

# Of Keras where it saves.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword")


@pytest.fixture(scope="module")
def weights() -> Weights:
    return random_weights(SMALLEST, 0)


@pytest.fixture(scope="module")
def model(weights: Weights) -> Any:
    """The whole network as Keras has it, with these weights in the part that is read."""
    whole = keras_networks.without_values(SMALLEST)
    for variable in whole.variables:
        variable.assign(np.ones(variable.shape, np.float32))
    part = keras_networks.cut(SMALLEST, whole)
    for (layer, name), variable in zip(keras_networks.names(part), part.variables, strict=True):
        variable.assign(weights.variables["params"][layer][name])
    return whole


@pytest.mark.parametrize("name", ["own.weights.h5", "own.h5", "own.keras"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_keras_own_files_are_read(model: Any, weights: Weights, name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    (model.save_weights if name.endswith("weights.h5") else model.save)(file)
    found = load_file(SMALLEST, file)
    assert found.sha256 == weights.sha256
    np.testing.assert_array_equal(
        found.variables["params"]["layer000"]["kernel"], weights.variables["params"]["layer000"]["kernel"]
    )


def test_what_was_written_is_read_again_without_a_difference(weights: Weights, tmp_path: Path) -> None:
    write(tmp_path / "kept.safetensors", weights)
    assert load_file(SMALLEST, tmp_path / "kept.safetensors").sha256 == weights.sha256


def test_the_hash_tells_weights_and_networks_apart(weights: Weights) -> None:
    hashes = {random_weights(name, seed).sha256 for name in keras_networks.NETWORKS for seed in (0, 1)}
    assert len(hashes) == 2 * len(keras_networks.NETWORKS)
    assert weights.sha256 in hashes


def test_every_network_is_shown_what_it_was_trained_on() -> None:
    scales = {
        name: random_weights(name, 0).variables["normalisation"]["scale"].tolist()
        for name in keras_networks.NETWORKS
    }
    assert scales == {"resnet50": [255.0] * 3, "inceptionv3": [2.0] * 3, "mobilenetv2": [2.0] * 3}


def test_weights_of_another_network_are_refused(model: Any, weights: Weights, tmp_path: Path) -> None:
    write(tmp_path / "mobile.safetensors", weights)
    model.save_weights(tmp_path / "mobile.weights.h5")
    for file in tmp_path.iterdir():
        with pytest.raises(WeightsError, match="has no weights of resnet50 without its top"):
            load_file("resnet50", file)


def test_numbers_that_are_none_are_refused(weights: Weights, tmp_path: Path) -> None:
    whole = keras_networks.without_values(SMALLEST)
    for variable in whole.variables:
        variable.assign(np.full(variable.shape, np.inf, np.float32))
    whole.save_weights(tmp_path / "own.weights.h5")
    with pytest.raises(WeightsError, match="no numbers"):
        load_file(SMALLEST, tmp_path / "own.weights.h5")


@pytest.mark.parametrize("name", ["own.h5", "own.weights.h5", "own.keras", "own.safetensors"])
def test_what_is_no_weights_file_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"no weights")
    with pytest.raises(WeightsError, match=name):
        load_file(SMALLEST, tmp_path / name)


@pytest.mark.parametrize(("name", "complaint"), [("own.pth", "none of"), ("gone.h5", "is not there")])
def test_other_files_are_refused(name: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=complaint):
        load_file(SMALLEST, tmp_path / name)


def test_a_download_that_fails_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(network: str, weights: str) -> None:
        raise Exception("URL fetch failure on somewhere: None -- no name\nmore")

    monkeypatch.setattr(keras_weights, "whole", fails)
    with pytest.raises(WeightsError, match=r"\(URL fetch failure .* no name\): name a file of them"):
        load(SMALLEST, tmp_path)


def test_a_download_is_converted_once(
    model: Any, weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keras_weights, "whole", lambda network, weights: model)
    assert load(SMALLEST, tmp_path).sha256 == weights.sha256
    monkeypatch.delattr(keras_weights, "whole")
    assert load(SMALLEST, tmp_path).sha256 == weights.sha256
    shutil.rmtree(tmp_path)
