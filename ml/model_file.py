"""A trained model as one safetensors file: the head's arrays, and a card that says what it is."""

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from ml.backbone import Backbone
from ml.heads import NAMES, WIDTHS, Head
from ml.vgg16 import FEATURES

FORMAT = "covid-xr model 1"
METADATA = "covid-xr"  # one key: safetensors writes several in no fixed order


class ModelFileError(ValueError):
    """The bytes are no model file, or a damaged one."""


@dataclass(frozen=True)
class Model:
    """A head, the backbone whose features it reads, its decision threshold and what it was trained on."""

    head: Head
    backbone: Backbone
    threshold: float
    seed: int
    positives: int
    negatives: int

    @property
    def name(self) -> str:
        """The head's letter and eight digits that change with its parameters."""
        return f"{self.head.name}-{_digest(_arrays(self.head))[:8]}"


def save(model: Model) -> bytes:
    """The file of a model: the same model gives the same bytes."""
    arrays = _arrays(model.head)
    card = {
        "format": FORMAT,
        "head": model.head.name,
        "backbone": asdict(model.backbone),
        "threshold": model.threshold,
        "seed": model.seed,
        "positives": model.positives,
        "negatives": model.negatives,
        "sha256": _digest(arrays),
    }
    return safetensors.numpy.save(arrays, {METADATA: json.dumps(card, sort_keys=True)})


def load(data: bytes) -> Model:
    """The model in a file's bytes. Raises ModelFileError for a damaged or foreign file."""
    try:
        card = _card(data)
        arrays = safetensors.numpy.load(data)
        if card["format"] != FORMAT or card["head"] not in NAMES or _shapes(arrays) != _expected_shapes():
            raise ModelFileError("the file is no model of this version")
        if card["sha256"] != _digest(arrays):
            raise ModelFileError("the model file is damaged: its arrays are not those that were saved")
        return _model(card, arrays)
    except (SafetensorError, ValueError, KeyError, TypeError, struct.error) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError("the file is no COVID-XR model, or is cut short") from error


def _model(card: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Model:
    params = {layer: {part: arrays[f"{layer}.{part}"] for part in ("kernel", "bias")} for layer in WIDTHS}
    return Model(
        Head(card["head"], params),
        Backbone(**card["backbone"]),
        float(card["threshold"]),
        int(card["seed"]),
        int(card["positives"]),
        int(card["negatives"]),
    )


def _card(data: bytes) -> dict[str, Any]:
    """The metadata, which safetensors' own reader of bytes leaves out."""
    (length,) = struct.unpack_from("<Q", data)
    card: dict[str, Any] = json.loads(json.loads(data[8 : 8 + length])["__metadata__"][METADATA])
    return card


def _arrays(head: Head) -> dict[str, np.ndarray]:
    return {f"{layer}.{part}": array for layer, parts in head.params.items() for part, array in parts.items()}


def _digest(arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(np.ascontiguousarray(arrays[name]).data)
    return digest.hexdigest()


def _shapes(arrays: Mapping[str, np.ndarray]) -> dict[str, tuple[Any, ...]]:
    return {name: (array.dtype, *array.shape) for name, array in arrays.items()}


def _expected_shapes() -> dict[str, tuple[Any, ...]]:
    inputs = [FEATURES, *WIDTHS.values()]
    half = np.dtype(np.float16)
    kernels = {f"{layer}.kernel": (half, inputs[n], width) for n, (layer, width) in enumerate(WIDTHS.items())}
    return kernels | {f"{layer}.bias": (half, width) for layer, width in WIDTHS.items()}
