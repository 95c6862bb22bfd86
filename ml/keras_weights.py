"""Weights of Keras's networks: from a file, from Keras's own download, or of no meaning, for tests."""

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Final

import numpy as np

from ml.checkpoints import CheckpointError
from ml.keras_networks import NETWORKS, KerasMissing, cut, names, parameter_shapes, whole, without_values
from ml.weights import Arrays, Weights, WeightsError, assembled, keras_normalisation, read_safetensors, write

OURS: Final = ".safetensors"
KINDS: Final = (".h5", ".keras", OURS)


def load(network: str, folder: Path) -> Weights:
    """ImageNet's weights: from ``folder`` if they lie there, else by Keras's own download, once.

    Raises WeightsError, KerasMissing.
    """
    kept = folder / f"{network}-imagenet{OURS}"
    if kept.is_file():
        return load_file(network, kept)
    try:
        with redirect_stdout(sys.stderr):  # where Keras tells how far its download is
            model = whole(network, "imagenet")
    except KerasMissing:
        raise
    except Exception as error:  # Keras raises bare ones
        raise WeightsError(
            f"the weights of {network} cannot be downloaded ({_line(error)}): name a file of them"
        ) from error
    weights = _weights(network, _values(network, model))
    write(kept, weights)
    return weights


def load_file(network: str, path: Path) -> Weights:
    """Weights that a user names: Keras's `.h5`, `.weights.h5` or `.keras` without the top, or `.safetensors`.

    Arrays alone are read: nothing is unpickled, and no layer is made that a file describes.
    Raises WeightsError, KerasMissing.
    """
    if path.suffix not in KINDS:
        raise WeightsError(f"{path} is none of {', '.join(KINDS)}: name a file of one of these kinds")
    if not path.is_file():
        raise WeightsError(f"{path} is not there: name a file that is")
    try:
        return _weights(network, read_safetensors(path) if path.suffix == OURS else _read(network, path))
    except KerasMissing:
        raise
    except Exception as error:  # of a foreign file Keras and h5py raise nearly anything
        raise WeightsError(
            f"{path} has no weights of {network} without its top: {_line(error)}. Name another file"
        ) from error


def random_weights(network: str, seed: int) -> Weights:
    """Weights that know nothing, as a training would begin with (He et al. 2015), from a seed."""
    generator = np.random.default_rng(seed)
    arrays = {
        f"{layer}.{part}": _start(generator, part, shape)
        for layer, parts in parameter_shapes(network).items()
        for part, shape in parts.items()
    }
    return _weights(network, arrays | _normalisation(network))


def _start(generator: np.random.Generator, part: str, shape: tuple[int, ...]) -> np.ndarray:
    if part != "kernel":
        return np.full(shape, part in ("gamma", "moving_variance"), np.float32)
    inputs = np.prod(shape[:-1]) if shape[-1] > 1 else np.prod(shape[:2])  # each map has a kernel of its own
    return generator.normal(0, np.sqrt(2 / inputs), shape)


def _read(network: str, path: Path) -> Arrays:
    model = without_values(network)
    for variable in model.variables:  # Keras would make up what a file lacks
        variable.assign(np.full(variable.shape, np.nan, np.float32))
    model.load_weights(path)
    return _values(network, model)


def _values(network: str, model: Any) -> Arrays:
    """The arrays of the part that is read, with the input that the network was trained with."""
    part = cut(network, model)
    values = [np.asarray(variable.value) for variable in part.variables]
    if not all(np.isfinite(value).all() for value in values):
        raise CheckpointError("some of its numbers are missing, or are no numbers")
    found = zip(names(part), values, strict=True)
    return {f"{layer}.{name}": value for (layer, name), value in found} | _normalisation(network)


def _normalisation(network: str) -> Arrays:
    if not NETWORKS[network].zero_centred:
        return keras_normalisation()
    return {
        "normalisation.scale": np.full(3, 2, np.float32),
        "normalisation.offset": np.full(3, -1, np.float32),
    }


def _weights(network: str, arrays: Arrays) -> Weights:
    return assembled(arrays, parameter_shapes(network))


def _line(error: Exception) -> str:
    """The first line of what Keras says, which may be pages."""
    return str(error).strip().partition("\n")[0][:200]
