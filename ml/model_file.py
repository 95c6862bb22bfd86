"""A trained model as one safetensors file: the head's arrays, and a card that says what it is."""

import base64
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from ml import array_file
from ml.backbone import Backbone
from ml.heads import NAMES, Head, HeadName, kept_as, layers
from ml.novelty import Novelty, Strangeness
from ml.recipes import Recipe, UnknownRecipe, of
from ml.rows import Features

Abstention = Strangeness | Literal["UNCERTAIN"]

FORMAT = "covid-xr model 2"
NOVELTY = "novelty."  # begins the names of its arrays


class ModelFileError(ValueError):
    """The bytes are no model file, or a damaged one."""


@dataclass(frozen=True)
class Model:
    """A head, the backbone whose features it reads, how to read what it says, and what it was trained on.

    ``calibration`` names the method, if any, by which probabilities are frequencies. Between the two ends of
    ``band`` the model leaves its finding open; ``error`` is the share of each class that it may get wrong
    outside. ``novelty`` tells pictures that it should not judge at all.
    """

    head: Head
    backbone: Backbone
    threshold: float
    seed: int
    positives: int
    negatives: int
    calibration: str | None = None
    band: tuple[float, float] | None = None
    error: float | None = None
    novelty: Novelty | None = None

    @property
    def name(self) -> str:
        """The head's letter and eight digits that change with its parameters."""
        return f"{self.head.name}-{array_file.digest(_arrays(self.head))[:8]}"

    def strangeness(self, features: np.ndarray) -> list[Strangeness | None]:
        """Why each of N pictures should not be judged, by its features (N, F); None where it may be."""
        return self.novelty.reasons(features) if self.novelty else [None] * len(features)

    def distances(self, features: Features) -> np.ndarray:
        """How far (N,) pictures lie from what chests have in common, by their features (N, F); see
        `ml.novelty.Novelty.scores`. nan where that is not known.
        """
        return self.distances_and_places(features)[0]

    def distances_and_places(self, features: Features) -> tuple[np.ndarray, list[str | None]]:
        """The same, and where each of N pictures lies among chests: 32 float16 in base64, or None."""
        if self.novelty is None:
            return np.full(len(features), np.nan), [None] * len(features)
        scores, places = self.novelty.scores_and_places(features)
        return scores, [base64.b64encode(place.astype("<f2").tobytes()).decode() for place in places]

    def abstentions(self, distances: np.ndarray, probabilities: np.ndarray) -> list[Abstention | None]:
        """Why N pictures have no finding, by distances and probabilities (N,) each; None of the others."""
        strange = self.novelty.reasons_of(distances) if self.novelty else [None] * len(distances)
        pairs = zip(strange, self.leaves_open(probabilities).tolist(), strict=True)
        return [reason or ("UNCERTAIN" if unsure else None) for reason, unsure in pairs]

    def leaves_open(self, probabilities: np.ndarray) -> np.ndarray:
        """Where (N,) bool the model gives a probability and no finding."""
        if self.band is None:
            return np.zeros(len(probabilities), bool)
        low, high = self.band
        inside: np.ndarray = (probabilities >= low) & (probabilities <= high)
        return inside


def save(model: Model) -> bytes:
    """The file of a model: the same model gives the same bytes."""
    arrays = _arrays(model.head)
    if model.novelty:
        arrays |= {f"{NOVELTY}{name}": array for name, array in model.novelty.arrays().items()}
    card = {
        "format": FORMAT,
        "head": model.head.name,
        "backbone": asdict(model.backbone),
        "threshold": model.threshold,
        "seed": model.seed,
        "positives": model.positives,
        "negatives": model.negatives,
        "calibration": model.calibration,
        "band": model.band,
        "error": model.error,
        "sha256": array_file.digest(arrays),
    }
    return array_file.save(arrays, card)


def load(data: bytes) -> Model:
    """The model in a file's bytes.

    Raises ModelFileError for a damaged or foreign file, and UnknownRecipe for one of features that this
    version cannot make.
    """
    try:
        card = array_file.card_of(data)
        arrays = safetensors.numpy.load(data)
        if card["format"] != FORMAT or card["head"] not in NAMES:
            raise ModelFileError("the file is no model of this version")
        recipe = of(Backbone(**card["backbone"]))
        of_head = {name: array for name, array in arrays.items() if not name.startswith(NOVELTY)}
        if _shapes(of_head) != _expected_shapes(card["head"], recipe):
            raise ModelFileError("the file is no model of this version")
        if card["sha256"] != array_file.digest(arrays):
            raise ModelFileError("the model file is damaged: its arrays are not those that were saved")
        return _model(card, arrays, recipe)
    except (SafetensorError, ValueError, KeyError, TypeError, struct.error) as error:
        if isinstance(error, ModelFileError | UnknownRecipe):
            raise
        raise ModelFileError("the file is no COVID-XR model, or is cut short") from error


def _model(card: Mapping[str, Any], arrays: Mapping[str, np.ndarray], recipe: Recipe) -> Model:
    found = layers(card["head"], recipe.of_network)
    params = {layer: {part: arrays[f"{layer}.{part}"] for part in ("kernel", "bias")} for layer in found}
    return Model(
        Head(card["head"], params),
        Backbone(**card["backbone"]),
        float(card["threshold"]),
        int(card["seed"]),
        int(card["positives"]),
        int(card["negatives"]),
        card["calibration"],
        tuple(card["band"]) if card["band"] else None,
        card["error"],
        _novelty(arrays, recipe),
    )


def _novelty(arrays: Mapping[str, np.ndarray], recipe: Recipe) -> Novelty | None:
    found = {name.removeprefix(NOVELTY): array for name, array in arrays.items() if name.startswith(NOVELTY)}
    if not found:
        return None
    novelty = Novelty.from_arrays(found)
    if len(novelty.centre) != recipe.of_network:
        raise ModelFileError("the file's novelty is of other features than its head")
    return novelty


def _arrays(head: Head) -> dict[str, np.ndarray]:
    return {f"{layer}.{part}": array for layer, parts in head.params.items() for part, array in parts.items()}


def _shapes(arrays: Mapping[str, np.ndarray]) -> dict[str, tuple[Any, ...]]:
    return {name: (array.dtype, *array.shape) for name, array in arrays.items()}


def _expected_shapes(head: HeadName, recipe: Recipe) -> dict[str, tuple[Any, ...]]:
    number, found = np.dtype(kept_as(head)), layers(head, recipe.of_network)
    kernels = {f"{layer}.kernel": (number, *shape) for layer, shape in found.items()}
    return kernels | {f"{layer}.bias": (number, width) for layer, (_, width) in found.items()}
